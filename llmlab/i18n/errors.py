"""The one kind of error meant for people: a phrase and its parameters, said in the reader's language."""

from llmlab.i18n.phrases import Language, say


class LearnerError(ValueError):
    """Something the learner can mend. `str()` is English; `.say("zh")` is Chinese.

    The phrase states what happened and what to do: `LearnerError("text.too_short", characters=41, context=64)`.
    """

    def __init__(self, phrase: str, /, **parameters: object) -> None:
        self.phrase = phrase
        self.parameters = parameters
        super().__init__(say(phrase, "en", **parameters))

    def say(self, language: Language) -> str:
        return say(self.phrase, language, **self.parameters)

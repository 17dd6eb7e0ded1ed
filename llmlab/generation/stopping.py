"""What of the generated text may be shown already: whole characters only, and nothing that may become a stop string."""

from collections.abc import Sequence

from llmlab.i18n import LearnerError
from llmlab.text.tokenizer import Tokenizer

UNFINISHED = "\ufffd"
LOOK_BACK = 4  # a character has at most four bytes


class IncrementalDecoder:
    """Turns token ids into text one by one; the pieces joined are the text decoded as a whole.

    A token may end in the middle of a character. Decoders show an unfinished end as U+FFFD, so U+FFFD at the end waits
    for the next token. Tokens are decoded together with a few before them, because some tokenizers write a space only
    between two tokens, and bytes only in company.
    """

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int] = ()) -> None:
        """`before` are the tokens of the prompt; a character that they leave unfinished belongs to what follows."""
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._shown = 0  # characters of the decoded `_ids` that were given out
        self._keep_last(list(before))

    def push(self, token_id: int) -> str:
        """The text that this token completes; empty while a character is unfinished."""
        self._ids.append(token_id)
        text = self._tokenizer.decode(self._ids)
        end = len(text.rstrip(UNFINISHED))
        piece = text[self._shown : end]
        self._shown = max(self._shown, end)
        if end == len(text) and len(self._ids) > 8 * LOOK_BACK:
            self._keep_last(self._ids)
        return piece

    def flush(self) -> str:
        """What is left when no token follows: an unfinished character, shown as U+FFFD."""
        rest = self._tokenizer.decode(self._ids)[self._shown :]
        self._shown += len(rest)
        return rest

    def _keep_last(self, ids: list[int]) -> None:
        """Go on from the last few of these tokens: as many as it takes not to begin in the middle of a character."""
        for count in range(min(LOOK_BACK, len(ids)), min(4 * LOOK_BACK, len(ids)) + 1):
            self._ids = ids[len(ids) - count :]
            text = self._tokenizer.decode(self._ids)
            self._shown = len(text.rstrip(UNFINISHED))
            if self._shown == len(text):
                return


class StopStrings:
    """Ends a text before the first stop string, and holds back what may be the beginning of one."""

    def __init__(self, stop: Sequence[str]) -> None:
        """Raises LearnerError for an empty stop string, which would end every text before it begins."""
        if any(not string for string in stop):
            raise LearnerError("generation.empty_stop")
        self._stop = tuple(stop)
        self._held = ""
        self.found = False

    def push(self, piece: str) -> str:
        """The text that may be shown now. After `found` turned True nothing more comes."""
        text = self._held + piece
        starts = [start for string in self._stop if (start := text.find(string)) >= 0]
        if starts:
            self.found = True
            self._held = ""
            return text[: min(starts)]
        safe = len(text) - self._longest_beginning(text)
        self._held = text[safe:]
        return text[:safe]

    def flush(self) -> str:
        """What was held back and turned out to be no stop string."""
        rest, self._held = self._held, ""
        return rest

    def _longest_beginning(self, text: str) -> int:
        """Length of the longest end of the text that begins a stop string."""
        return max(
            (n for string in self._stop for n in range(1, len(string)) if text.endswith(string[:n])),
            default=0,
        )

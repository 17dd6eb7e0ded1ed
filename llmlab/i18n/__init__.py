"""Everything a person reads, in English and 简体中文: phrases, and errors that can be said in either."""

from llmlab.i18n.errors import LearnerError
from llmlab.i18n.field_help import field_help
from llmlab.i18n.phrases import LANGUAGES, Language, say

__all__ = ["LANGUAGES", "Language", "LearnerError", "field_help", "say"]

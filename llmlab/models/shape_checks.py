"""What every family's config refuses, in sentences that name the fields and the fix."""

from llmlab.i18n import LearnerError


def check_count(field: str, value: object) -> None:
    """Raises LearnerError for what is no whole number of at least one."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise LearnerError("model.not_a_count", field=field, value=value)


def check_dropout(dropout: float) -> None:
    if not 0 <= dropout < 1:
        raise LearnerError("model.dropout_range", dropout=dropout)


def check_positive(field: str, value: float) -> None:
    if not value > 0:
        raise LearnerError("model.not_positive", field=field, value=value)


def indivisible(d_model: int, n_heads: int) -> LearnerError:
    """The complaint that a width cannot be shared among the heads, with the nearest that can."""
    below = d_model // n_heads * n_heads
    above = below + n_heads
    phrase = "model.width_divide" if below else "model.width_divide_up"
    return LearnerError(phrase, d_model=d_model, n_heads=n_heads, below=below, above=above)

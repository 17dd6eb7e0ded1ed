"""How large an example is: small for tests, right for a laptop, larger for a GPU."""

import os
from typing import Literal, TypeVar, cast, get_args

from llmlab.i18n import LearnerError

T = TypeVar("T")
Profile = Literal["ci", "cpu", "gpu"]


def profile() -> Profile:
    """`LLMLAB_PROFILE`, else gpu where there is one, else cpu."""
    asked = os.environ.get("LLMLAB_PROFILE")
    if asked:
        if asked not in get_args(Profile):
            raise LearnerError("course.profile", value=asked)
        return cast(Profile, asked)
    import torch

    return "gpu" if torch.cuda.is_available() else "cpu"


def size(*, ci: T, cpu: T, gpu: T | None = None) -> T:
    """The value for this machine; what is not given for a GPU is that of the laptop."""
    here = profile()
    if here == "ci":
        return ci
    return gpu if here == "gpu" and gpu is not None else cpu

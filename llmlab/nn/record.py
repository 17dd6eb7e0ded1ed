"""The hook through which a part shows its intermediate tensors to a trace.

A part calls `record(name, value, formula)` beside the line that computed the value, so that the formula and the code
cannot drift apart. `record.within("attention")` names the sub-part that follows.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Record(Protocol):
    def __call__(self, name: str, value: Tensor, axes: str, formula: str) -> None:
        """Keep `value` under `name`; `axes` names its dimensions ("batch seq d_model"), `formula` is LaTeX."""
        ...

    def within(self, name: str) -> "Record":
        """The hook for a part inside this one: what it records is called `name.…`."""
        ...

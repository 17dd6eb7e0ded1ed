"""What this processor can do. Loads no torch, so that a page can ask."""

import re
from functools import cache
from pathlib import Path


@cache
def multiplies_bfloat16() -> bool:
    """Whether it has instructions for products of bfloat16; without them, bfloat16 is slower than float32.

    Asked of Linux on x86 only: AVX512_BF16 (AMD since Zen 4, Intel since Cooper Lake) or AMX. Elsewhere: no.
    """
    try:
        about = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return has_flag(about)


def has_flag(cpuinfo: str) -> bool:
    """Whether the flags of `/proc/cpuinfo` name such instructions."""
    return re.search(r"^flags\b.*\b(avx512_bf16|amx_bf16)\b", cpuinfo, re.MULTILINE) is not None

"""A learner's own file as one string: plain text, Markdown, CSV or JSON Lines, in whatever encoding it comes.

A mistake that a person can mend (a missing, empty or binary file, bytes that are no text, a broken line of JSON)
is a `LearnerError`.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import from_bytes

from llmlab.i18n import LearnerError

TEXT_FIELDS = (
    *("text", "content", "review", "sentence", "body", "comment", "message", "article", "story", "document"),
    *("正文", "内容", "文本", "评论", "评价", "句子", "文章"),
)
MESSAGE_FIELDS = ("messages", "conversations", "conversation")

# When several fit equally well, the first of these wins: short texts seldom decide it.
CJK_ENCODINGS = ("gb18030", "big5", "cp932", "euc_jis_2004", "cp949")
OTHER_ENCODINGS = ("cp1252", "cp1251", "koi8_r", "cp1250", "cp1253", "cp1254")
# As charset-normalizer measures it: the share of letters that a known language would lead one to expect.
LANGUAGE_COHERENCE = 0.2
SAMPLE_BYTES = 100_000

CJK = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def read_text(path: str | Path, *, for_training: bool = True) -> str:
    """The text of a file, its lines ending in a single newline. A suffix other than csv, tsv, jsonl is plain text.

    Raises LearnerError for a file that is not there, is binary, cannot be decoded or holds nothing; with
    `for_training` also for one that there is nothing to learn from (`check_corpus`).
    """
    path = Path(path)
    if path.is_dir():
        raise LearnerError("text.folder", path=path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise LearnerError("text.missing", path=path) from None
    except OSError as error:
        raise LearnerError("text.unreadable", path=path, reason=error.strerror) from error
    return text_of(data, path.name, for_training=for_training)


def text_of(data: bytes, name: str, *, for_training: bool = True) -> str:
    """The text of a file's bytes; `name` decides the format by its suffix, and is what an error calls the file."""
    text = decode(data, name).replace("\r\n", "\n").replace("\r", "\n")
    suffix = Path(name).suffix.lower()
    if suffix in (".csv", ".tsv"):
        text = _text_of_table(text, name)
    elif suffix == ".jsonl":
        text = "\n".join(_texts_of_json_lines(text, name))
    if not text or text.isspace():
        raise LearnerError("text.empty", name=name)
    if for_training:
        check_corpus(text)
    return text


def check_corpus(text: str) -> None:
    """Raise LearnerError for a text from which nothing can be learnt: none, one character, one symbol repeated."""
    if not text or text.isspace():
        raise LearnerError("text.nothing")
    symbols: set[str] = set()
    for start in range(0, len(text), 1000):
        symbols.update(c for c in text[start : start + 1000] if not c.isspace())
        if len(symbols) > 1:
            return
    symbol = symbols.pop()
    raise LearnerError("text.one_character" if text.count(symbol) == 1 else "text.one_symbol", symbol=symbol)


def decode(data: bytes, name: str) -> str:
    """Bytes as text: UTF-8, UTF-16 or UTF-32 where they say so or hold to its rules, else what fits best.

    Raises LearnerError for a binary file, for UTF-8 with broken bytes (and says in which line), and where nothing fits.
    """
    for mark, encoding in (
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                raise LearnerError("text.binary" if b"\0" in data else "text.undecodable", name=name) from None
    if b"\0" in data:
        return _decode_unmarked_utf16(data, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _detect(data, name, line=data.count(b"\n", 0, error.start) + 1)
    if len(CONTROL.findall(text[:SAMPLE_BYTES])) > len(text[:SAMPLE_BYTES]) / 20:
        raise LearnerError("text.binary", name=name)
    return text


def _decode_unmarked_utf16(data: bytes, name: str) -> str:
    candidates = []
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            sample = data[:SAMPLE_BYTES].decode(encoding)
        except UnicodeDecodeError:
            continue
        # Bytes in the wrong order, and most binaries, come out as characters that nobody writes.
        usual = sum((c.isascii() and (c.isprintable() or c.isspace())) or bool(CJK.match(c)) for c in sample)
        candidates.append((usual / len(sample), encoding))
    if candidates and max(candidates)[0] > 0.5:
        try:
            return data.decode(max(candidates)[1])
        except UnicodeDecodeError:
            pass
    raise LearnerError("text.binary", name=name)


def _detect(data: bytes, name: str, *, line: int) -> str:
    sample = _sample(data)
    as_utf8 = sample.decode("utf-8", errors="replace")
    broken = as_utf8.count("\ufffd")
    if sum(not c.isascii() for c in as_utf8) - broken > 3 * broken:
        raise LearnerError("text.broken_utf8", name=name, line=line)
    matches = list(from_bytes(sample, cp_isolation=[*CJK_ENCODINGS, *OTHER_ENCODINGS]))
    best = matches[0] if matches else None
    fits = {m.encoding for m in matches if best and (m.chaos, m.coherence) == (best.chaos, best.coherence)}
    for encoding in (*CJK_ENCODINGS, *OTHER_ENCODINGS):
        if encoding not in fits or not best:
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        foreign = [c for c in text[:SAMPLE_BYTES] if not c.isascii()]
        plausible = (
            sum(bool(CJK.match(c)) for c in foreign) > len(foreign) / 2
            if encoding in CJK_ENCODINGS
            else best.coherence > LANGUAGE_COHERENCE
        )
        if plausible:
            return text
    raise LearnerError("text.undecodable", name=name, line=line)


def _sample(data: bytes) -> bytes:
    """Three pieces of a big file, cut at newlines, which are no part of a longer character in any of the encodings."""
    if len(data) <= SAMPLE_BYTES:
        return data
    pieces = []
    for start in (0, len(data) // 2, len(data) - SAMPLE_BYTES // 3):
        first = data.find(b"\n", start) + 1 if start else 0
        last = data.rfind(b"\n", first, first + SAMPLE_BYTES // 3) + 1
        pieces.append(data[first:last])
    return b"".join(pieces) or data[:SAMPLE_BYTES]


def _text_of_table(text: str, name: str) -> str:
    """The text column of a CSV, one row a line: the columns called so, else the one with the longest cells."""
    first_line = text.lstrip("\n").partition("\n")[0]
    delimiter = max(",\t;|", key=first_line.count)
    csv.field_size_limit(2**31 - 1)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise LearnerError("text.bad_csv", name=name, reason=error) from error
    if not rows:
        return ""
    width, of_that_width = Counter(map(len, rows)).most_common(1)[0]
    if of_that_width < len(rows) / 2:
        return text  # prose with commas in it
    named = [i for i, cell in enumerate(rows[0]) if cell.strip().lower() in TEXT_FIELDS]
    if named:
        return "\n".join(row[i] for row in rows[1:] for i in named if i < len(row) and row[i].strip())
    sample = rows[1:1001] or rows
    lengths = [sum(len(row[i]) for row in sample if i < len(row)) / len(sample) for i in range(width)]
    column = lengths.index(max(lengths))
    body = rows[1:] if _is_header(rows[0], sample, lengths[column]) else rows
    return "\n".join(row[column] for row in body if column < len(row) and row[column].strip())


def _is_header(first: list[str], sample: list[list[str]], text_length: float) -> bool:
    if len(sample) < 2 or any(_is_number(cell) for cell in first):
        return False
    columns = [[row[i] for row in sample if i < len(row)] for i in range(len(first))]
    return max(map(len, first)) < text_length / 2 or any(all(map(_is_number, c)) for c in columns if c)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _texts_of_json_lines(text: str, name: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise LearnerError("text.bad_jsonl", name=name, line=number) from None
        found = "\n".join(_strings(record))
        if found.strip():
            yield found


def _strings(value: object) -> Iterator[str]:
    """The text of a JSON value: of a text field or the messages where it has them, else all its strings in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        fields = [f for f in TEXT_FIELDS if isinstance(value.get(f), str) and value[f].strip()][:1]
        fields = fields or [f for f in MESSAGE_FIELDS if isinstance(value.get(f), list)][:1]
        if fields:
            yield from _strings(value[fields[0]])
        elif {"role", "content"} <= value.keys():
            yield from _strings(value["content"])
        elif {"from", "value"} <= value.keys():
            yield from _strings(value["value"])
        else:
            for item in value.values():
                yield from _strings(item)

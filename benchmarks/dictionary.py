"""Trains the dictionary that stored turns are compressed with: ``python -m benchmarks.dictionary NEW_FILE``.

From the texts that ship with the assistants and the documentation, cut into turns as ``memory/codec.py`` writes them.
The file in use, ``memory/turns.zdict``, must never change: rows in Redis can't be read without it. A better one gets a
name and a version of its own in the codec.
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path

import orjson
import zstandard

SIZE = 16_384
_PATTERNS = ("assistants/**/*.md", "assistants/**/*.json", "assistants/**/offline*.py", "docs/*.md")


def samples(root: Path) -> list[bytes | bytearray | memoryview[int]]:
    """Turns of the two usual shapes: words alone, and words with what a provider tells of its tokens."""
    chance = random.Random(7)
    found: list[bytes | bytearray | memoryview[int]] = []
    files = sorted({path for pattern in _PATTERNS for path in root.glob(pattern)})
    for text in (re.sub(r"\s+", " ", path.read_text("utf-8")) for path in files):
        for at in range(0, len(text) - 400, 400):
            age, took = chance.randrange(10**6), chance.randrange(3_000)
            said, reply = text[at : at + 80], text[at + 80 : at + 400]
            tokens = {"input_tokens": chance.randrange(900), "output_tokens": 80, "total_tokens": chance.randrange(999)}
            long = [["h", said], ["a", reply, {"usage_metadata": tokens}]]
            found.append(orjson.dumps([age, took, said, reply] if chance.random() < 0.6 else [age, took, long]))
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path)
    file: Path = options.parse_args().file
    if file.exists():
        raise SystemExit(f"{file} is there already: rows may have been written with it")
    file.write_bytes(zstandard.train_dictionary(SIZE, samples(Path()), k=200, d=8).as_bytes())


if __name__ == "__main__":
    main()

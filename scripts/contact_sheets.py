#!/usr/bin/env python3
"""Pictures of pages side by side: one sheet for each language and shape, `scripts/contact_sheets.py var/pictures`."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

from PIL import Image, ImageDraw

_NAME = re.compile(r"(?P<page>.+)-(?P<of>(?:zh-CN|en)-(?P<shape>\w+)-\w+)")
ACROSS, TALLEST, TITLE = 2_000, 1_200, 16
_WIDTHS = {"desktop": 640, "landscape": 420, "phone": 195, "small": 160}


def main(folder: Path) -> None:
    """Writes into `sheets/` of the folder."""
    kinds = defaultdict(list)
    for picture in sorted(folder.glob("*.png")):
        if (named := _NAME.fullmatch(picture.stem)) is not None:
            kinds[named["of"], named["shape"]].append(picture)
    (folder / "sheets").mkdir(exist_ok=True)
    for (name, shape), pictures in kinds.items():
        sheet(pictures, _WIDTHS[shape]).save(folder / "sheets" / f"{name}.png")
        print(f"{folder / 'sheets' / name}.png: {len(pictures)} pages")


def sheet(pictures: list[Path], width: int) -> Image.Image:
    """Each row is as tall as the tallest page in it, and a page no taller than TALLEST."""
    columns = ACROSS // width
    rows = [
        [small(each, width) for each in pictures[at : at + columns]]
        for at in range(0, len(pictures), columns)
    ]
    heights = [max(image.height for _, image in row) + TITLE for row in rows]
    paper = Image.new("RGB", (columns * width, sum(heights)), "#777")
    pen = ImageDraw.Draw(paper)
    for at, row in enumerate(rows):
        for column, (name, image) in enumerate(row):
            place = (column * width, sum(heights[:at]))
            pen.text(place, name, fill="white")
            paper.paste(image, (place[0], place[1] + TITLE))
    return paper


def small(picture: Path, width: int) -> tuple[str, Image.Image]:
    with Image.open(picture) as image:
        height = round(image.height * width / image.width)
        return picture.stem, image.convert("RGB").resize((width - 4, height)).crop(
            (0, 0, width - 4, min(height, TALLEST))
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A head in front of the camera that does what the page says: the live clip's own movements, begun when they are asked for."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import av
from playwright.sync_api import Page, Route

_PLACE = "/head-of-the-test"
_RATE = 15
_READS = 3
"""Pictures for which a head that is asked something new stays as it is: nobody moves at once."""

# Frames of the clip, at thirty a second. A turn is made at twice its speed and held for a moment only, so that it is over long
# before the page stops looking; the second goes back the way it came. While it waits the head is as calm as somebody who reads.
SCENES: Mapping[str, tuple[int, ...]] = {
    "rest": tuple(range(46, 52)),
    "left": (*range(52, 76, 4), *range(76, 164, 13), *range(164, 180, 4)),
    "then": tuple(range(180, 186)),
    "right": (*range(186, 240, 4), *range(236, 185, -5)),
}


def act(page: Page, clip: Path) -> None:
    """Put the head in front of this page's camera."""
    wanted = {number for scene in SCENES.values() for number in scene}
    with av.open(str(clip)) as video:
        pictures = {
            number: _jpeg(frame) for number, frame in enumerate(video.decode(video=0)) if number in wanted
        }

    def serve(route: Route) -> None:
        number = int(route.request.url.rsplit("/", 1)[1])
        route.fulfill(body=pictures[number], content_type="image/jpeg")

    page.route(f"**{_PLACE}/*", serve)
    told = {"scenes": SCENES, "place": _PLACE, "rate": _RATE, "reads": _READS}
    page.add_init_script(f"const ACTOR = {json.dumps(told)};\n{_ACTOR}")


def _jpeg(frame: av.VideoFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_image().save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


_ACTOR = """
navigator.mediaDevices.getUserMedia = async () => {
  const numbers = [...new Set(Object.values(ACTOR.scenes).flat())];
  const load = async (number) => createImageBitmap(await (await fetch(`${ACTOR.place}/${number}`)).blob());
  const pictures = Object.fromEntries(await Promise.all(numbers.map(async (n) => [n, await load(n)])));
  const first = pictures[numbers[0]];
  const canvas = Object.assign(document.createElement("canvas"), { width: first.width, height: first.height });
  const context = canvas.getContext("2d");
  const made = new Set();
  let resting = ACTOR.scenes.rest, queue = [], at = 0, step = 1, asking = "", reading = 0;
  const asked = () => document.getElementById("arrow").className.split(" ")[1] || "";
  const next = () => {
    if (queue.length) return queue.shift();
    const gesture = asked();
    [asking, reading] = [gesture, gesture === asking ? reading + 1 : 0];
    if (gesture in ACTOR.scenes && !made.has(gesture) && reading >= ACTOR.reads) {
      made.add(gesture);
      if (gesture === "left") [resting, at, step] = [ACTOR.scenes.then, 0, 1];
      queue = [...ACTOR.scenes[gesture]];
      return queue.shift();
    }
    if (at + step < 0 || at + step >= resting.length) step = -step;
    at += step;
    return resting[Math.min(at, resting.length - 1)];
  };
  // As a sensor does it: no two pictures are the same.
  const draw = () => {
    context.filter = `brightness(${1 + Math.random() / 50})`;
    context.drawImage(pictures[next()], Math.random() / 5, Math.random() / 5);
  };
  draw();
  setInterval(draw, 1000 / ACTOR.rate);
  return canvas.captureStream(ACTOR.rate);
};
"""

"""Draw what nodes do, for their help pages: js/docs/pictures/what_*.jpg.

    python dev/draw_help.py COMFYUI [NAME ...]

Every picture is what the nodes themselves made of workflows/api/first_light.jpg, with svd-mini,
on a ComfyUI of its own. The pictures of the nodes are taken by tests/browser/test_help.py.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp
from client import Client
from finish_files import network_file
from help_drafts import Draft
from PIL import Image, ImageDraw, ImageFont
from serve import running_server

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPH = ROOT / "workflows" / "api" / "first_light.jpg"
PICTURES = ROOT / "js" / "docs" / "pictures"
LARGEST = 40_000  # bytes
GAP, LABEL = 4, 22
INK, PAPER = (235, 235, 235), (32, 32, 34)
MOVES = (
    "push in", "zoom out", "pan right", "tilt up", "truck left", "pedestal up",
    "crane up", "orbit left", "roll clockwise", "pull out", "handheld", "static lock",
)  # fmt: skip
CAST = tuple([min(255, round(v * gain + lift)) for v in range(256)] for gain, lift in (
    (0.72, 6), (0.9, 14), (1.0, 40),
))  # fmt: skip
METHODS = ("mean and contrast", "histogram")
UPSCALER, INTERPOLATOR = "realesrgan-x4plus", "rife-4.6"

Labelled = tuple[str, Image.Image]


def grid(*rows: Sequence[Labelled], width: int = 760) -> Image.Image:
    """A sheet of `width` pixels; each row fills it with its pictures, their labels below."""
    font = ImageFont.load_default(13)
    strips = [strip(row, width, font) for row in rows]
    sheet = Image.new("RGB", (width, sum(each.height for each in strips) + GAP), PAPER)
    for number, each in enumerate(strips):
        sheet.paste(each, (0, sum(before.height for before in strips[:number])))
    return sheet


def strip(row: Sequence[Labelled], width: int, font: ImageFont.ImageFont) -> Image.Image:
    wide = (width - GAP) // len(row) - GAP
    fitted = [(text, p.resize((wide, round(wide * p.height / p.width)), 1)) for text, p in row]
    tallest = max(picture.height for _, picture in fitted)
    made = Image.new("RGB", (width, GAP + tallest + LABEL), PAPER)
    draw = ImageDraw.Draw(made)
    for column, (label, picture) in enumerate(fitted):
        left = GAP + column * (wide + GAP)
        made.paste(picture, (left, GAP))
        draw.text((left + 2, GAP + tallest + 3), label, INK, font)
    return made


def numbered(frames: Sequence[Image.Image], *chosen: int, name: str = "") -> list[Labelled]:
    return [(f"{name} frame {number}".strip(), frames[number - 1]) for number in chosen]


async def camera_move(draft: Draft) -> Image.Image:
    for place, move in enumerate(MOVES):
        camera = draft.camera(move, 1.6)
        preview = draft.add(
            "SVDStudioCameraPreview", image=draft.photograph, camera=camera, frames=14, width=384,
            height=216,
        )  # fmt: skip
        draft.keep(f"move{place:02}", preview)
    found = await draft.run()
    last = [(move, found[f"move{place:02}"][13]) for place, move in enumerate(MOVES)]
    return grid(*(last[start : start + 4] for start in range(0, 12, 4)), width=700)


async def camera_preview(draft: Draft) -> Image.Image:
    preview = draft.add(
        "SVDStudioCameraPreview", image=draft.photograph, camera=draft.camera("orbit right", 1.5),
        frames=14, width=512, height=288,
    )  # fmt: skip
    draft.keep("preview", preview)
    draft.keep("plot", [preview[0], 1])
    found = await draft.run()
    frames = numbered(found["preview"], 1, 14, name="preview")
    return grid(frames, [("plot", found["plot"][0])], width=640)


async def camera_guide(draft: Draft) -> Image.Image:
    film, guide = draft.guided(draft.camera("pan right"))
    draft.keep("film", film)
    draft.keep("guide", guide)
    found = await draft.run()
    films = (("guide", "guide"), ("svd-mini", "film"))
    rows = (numbered(found[each], 1, 7, 14, name=f"{label},") for label, each in films)
    return grid(*rows, width=720)


async def motion_report(draft: Draft) -> Image.Image:
    camera = draft.camera("pan right")
    film, _ = draft.guided(camera)
    report = draft.add("SVDStudioMotionReport", images=film, camera=camera)
    draft.keep("plot", [report[0], 1])
    plot = (await draft.run())["plot"][0]
    return grid([("measured (line) and asked for (dashes)", plot)], width=640)


async def light_sweep(draft: Draft) -> Image.Image:
    swept = draft.add(
        "SVDStudioLightSweep", vae=draft.vae, image=draft.photograph, direction=-20.0, band=0.3,
        strength=2.0, kelvin=6500.0, sheen=0.04, start=0.0, end=1.0, ease="linear", width=512,
        height=288, frames=14, fit="cover",
    )  # fmt: skip
    draft.keep("light", swept)
    return grid(numbered((await draft.run())["light"], 1, 5, 8, 11))


async def last_frame(draft: Draft) -> Image.Image:
    pushed = draft.add(
        "SVDStudioCameraPreview", image=draft.photograph, camera=draft.camera("zoom in", 1.0),
        frames=2, width=512, height=288,
    )  # fmt: skip
    second = draft.add("ImageFromBatch", image=pushed, batch_index=1, length=1)
    positive = draft.conditioning()
    model = draft.add(
        "SVDStudioLastFrame", model=draft.model, positive=positive, clip_vision=draft.encoder,
        vae=draft.vae, image=second, fit="cover", clip_framing="whole picture (reference)",
        start_sigma=100.0, end_sigma=0.0,
    )  # fmt: skip
    draft.keep("film", draft.film(model, positive))
    draft.keep("second", second)
    found = await draft.run()
    end = ("the second picture", found["second"][0])
    return grid([*numbered(found["film"], 1, 7, 14, name="svd-mini,"), end])


async def seamless_loop(draft: Draft) -> Image.Image:
    model = draft.add("SVDStudioSeamlessLoop", model=draft.model, start_sigma=100.0, end_sigma=0.0)
    draft.keep("film", draft.film(model, draft.conditioning(140)))
    return grid(numbered((await draft.run())["film"], 1, 5, 8, 11, 14, name="svd-mini,"))


async def upscale(draft: Draft) -> Image.Image:
    network_file(UPSCALER)
    small = draft.add(
        "ImageScale", image=draft.photograph, upscale_method="area", width=256, height=144,
        crop="center",
    )  # fmt: skip
    networks = {"Lanczos": "Lanczos (no network)", UPSCALER: f"{UPSCALER}.safetensors"}
    for name, network in networks.items():
        large = draft.add(
            "SVDStudioUpscale", frames=small, model_name=network, target="4x", width=0, height=0,
            rule="crop", strength=1.0,
        )  # fmt: skip
        draft.keep_frames(name, large)
    found = await draft.run()
    place = (380, 150, 700, 330)
    return grid([(name, found[name][0].crop(place)) for name in networks])


async def interpolate(draft: Draft) -> Image.Image:
    network_file(INTERPOLATOR)
    film = draft.add(
        "SVDStudioCameraPreview", image=draft.photograph, camera=draft.camera("zoom in", 1.5),
        frames=3, width=512, height=288,
    )  # fmt: skip
    drawn = draft.add(
        "SVDStudioInterpolate", frames=film, model_name=f"{INTERPOLATOR}.safetensors",
        mode="factor", factor=2, target_fps=24.0, source_fps=7.0, seconds=0.0, speed=1.0,
        last_frame="shorter (ends with it)", loop=False, scene_cut=0.3, scale="auto",
    )  # fmt: skip
    draft.keep_frames("drawn", drawn)
    first, between, second = (await draft.run())["drawn"][:3]
    labels = ("a frame of the film", "drawn between", "the next frame")
    return grid(list(zip(labels, (first, between, second), strict=True)))


async def match_colour(draft: Draft) -> Image.Image:
    with Image.open(PHOTOGRAPH) as picture:
        bands = (band.point(curve) for band, curve in zip(picture.split(), CAST, strict=True))
        cast = Image.merge("RGB", list(bands))
    frame = draft.add("LoadImage", image=await draft.upload(cast, "cast.png"))
    draft.keep("picture", draft.photograph)
    draft.keep("cast", frame)
    for method in METHODS:
        matched = draft.add(
            "SVDStudioMatchColour", frames=frame, method=method, strength=1.0,
            reference=draft.photograph,
        )  # fmt: skip
        draft.keep_frames(method, matched)
    found = await draft.run()
    labels = {"picture": "the picture", "cast": "a frame with a cast"} | {m: m for m in METHODS}
    return grid([(label, found[name][0]) for name, label in labels.items()])


async def film_look(draft: Draft) -> Image.Image:
    finished = draft.add(
        "SVDStudioFilmLook", frames=draft.photograph, grain=6.0, grain_size=1.5, sharpen=0.5,
        sharpen_radius=1.0, letterbox="2.39:1", fade_in=0.0, fade_out=0.0, fade_to="black",
        fps=7.0, seed=0,
    )  # fmt: skip
    draft.keep("plain", draft.photograph)
    draft.keep_frames("finished", finished)
    found = await draft.run()
    labels = {"plain": "without", "finished": "grain 6, sharpen 0.5, bars 2.39:1"}
    return grid([(label, found[name][0]) for name, label in labels.items()])


DRAWN: dict[str, Callable[[Draft], Awaitable[Image.Image]]] = {
    each.__name__: each
    for each in (
        camera_move, camera_preview, camera_guide, motion_report, light_sweep, last_frame,
        seamless_loop, upscale, interpolate, match_colour, film_look,
    )
}  # fmt: skip


def save(picture: Image.Image, file: Path) -> None:
    for quality in range(88, 40, -4):
        picture.save(file, quality=quality, optimize=True, progressive=True)
        if file.stat().st_size <= LARGEST:
            break
    print(f"{file}: {picture.width}x{picture.height}, {file.stat().st_size} bytes", flush=True)


async def draw(url: str, names: Sequence[str]) -> None:
    patient = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=patient) as session:
        client = Client(session, url)
        photograph = await client.upload(PHOTOGRAPH)
        for name in names:
            save(await DRAWN[name](Draft(client, photograph)), PICTURES / f"what_{name}.jpg")


if __name__ == "__main__":
    with running_server(Path(sys.argv[1])) as server:
        asyncio.run(draw(server.url, sys.argv[2:] or list(DRAWN)))

"""Where frames that are pulled begin: a film on disk, or latents."""

from __future__ import annotations

from comfy_api.latest import io

from ..video.rate import exact_rate
from ..video.sources.film import Film, film_at
from ..video.sources.image_folder import ImageFolder
from ..video.sources.sound import Sound
from ..video.stream import FrameStream
from ..video.trim import Trim
from .decoded_frames import decoded_frames
from .film_inputs import film_of_video, film_path, stamp
from .frames import Frames
from .report import show
from .run_sampler import CIRCULAR
from .schema import advanced, schema

LARGEST_COUNT = 2**31 - 1


class SVDLoadFrames(io.ComfyNode):
    """A film of any length, read frame by frame when somebody pulls."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioLoadFrames",
            display_name="SVD Load Frames",
            description="Read a film or a folder of pictures frame by frame, while the next nodes "
            "work: a film of any length takes the memory of a few frames.",
            search_aliases=["load video", "load image sequence", "EXR sequence", "import frames"],
            inputs=[
                io.Video.Input(
                    "video",
                    optional=True,
                    tooltip="From Load Video, for instance; goes before the path.",
                ),
                io.String.Input(
                    "path",
                    default="",
                    tooltip="A film, a folder of pictures (PNG, TIFF, EXR, JPEG), or some of them "
                    "as shot_*.png: in ComfyUI's input folder, or the whole path.",
                ),
                io.Float.Input(
                    "fps",
                    default=24.0,
                    min=0.01,
                    max=1000.0,
                    step=0.01,
                    round=False,
                    tooltip="Frames per second of pictures. A film that says its own keeps it.",
                ),
                io.Int.Input(
                    "skip_first",
                    default=0,
                    min=0,
                    max=LARGEST_COUNT,
                    tooltip="Frames to leave out at the beginning.",
                ),
                io.Int.Input(
                    "frame_limit",
                    default=0,
                    min=0,
                    max=LARGEST_COUNT,
                    tooltip="Frames to take at most. 0: all. Set it small to try a graph.",
                ),
                advanced(
                    io.Int.Input(
                        "every_nth",
                        default=1,
                        min=1,
                        max=10000,
                        tooltip="2 takes every second frame at half the rate: the film stays as "
                        "long as it was.",
                    )
                ),
            ],
            outputs=[
                Frames.Output(display_name="frames"),
                io.Audio.Output(
                    display_name="audio",
                    tooltip="As long as the frames; nothing for a silent film.",
                ),
                io.Float.Output(display_name="fps", tooltip="Of these frames."),
                io.Int.Output(display_name="count", tooltip="How many frames there are."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, path="", video=None, **widgets: float) -> str:
        return f"{stamp(film_path(path)) if path.strip() else ''} {sorted(widgets.items())}"

    @classmethod
    def execute(
        cls, path="", fps=24.0, skip_first=0, frame_limit=0, every_nth=1, video=None
    ) -> io.NodeOutput:
        rate, trim = exact_rate(fps), Trim(skip_first, frame_limit, every_nth)
        whole = film_at(film_path(path), rate) if video is None else film_of_video(video, rate)
        film = whole.trimmed(trim)
        show(describe_film(film), cls.hidden.unique_id if cls.hidden else None)
        clip = film.stream.clip
        return io.NodeOutput(film.stream, as_audio(film.sound), float(clip.rate), clip.count)


class SVDFramesFromLatent(io.ComfyNode):
    """SVD Decode as a source of frames: decoded once, kept on disk, never in memory as a film."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioFramesFromLatent",
            display_name="SVD Frames From Latent",
            description="Decode the film when its frames are pulled, with the pixels of SVD Decode "
            "and without a batch of them: they wait in a file in ComfyUI's temp folder.",
            search_aliases=["VAE Decode", "stream decode"],
            inputs=[
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                io.Latent.Input("latent", tooltip="From SVD Sampler."),
                io.Float.Input(
                    "fps",
                    default=7.0,
                    min=0.01,
                    max=1000.0,
                    step=0.01,
                    round=False,
                    tooltip="Frames per second that the film was made for: the fps of SVD "
                    "Conditioning.",
                ),
            ],
            outputs=[Frames.Output(display_name="frames")],
        )

    @classmethod
    def execute(cls, vae, latent, fps=7.0) -> io.NodeOutput:
        is_loop = latent.get(CIRCULAR, False)
        source = decoded_frames(vae, latent["samples"], is_loop, exact_rate(fps))
        return io.NodeOutput(FrameStream(source))


def describe_film(film: Film) -> str:
    """What there is, what is missing, and what is left of it."""
    source = film.stream.source
    gaps = source.gaps if isinstance(source, ImageFolder) else ""
    sound = film.sound
    heard = sound and f"sound: {len(sound.waveform)} channels at {sound.sample_rate} Hz"
    lines = [*film.stream.describe(), f"result: {film.stream.clip.describe()}", heard, gaps]
    return "\n".join(line for line in lines if line)


def as_audio(sound: Sound | None) -> dict | None:
    """Core's AUDIO: a waveform (1, channels, samples) and its rate."""
    return sound and {"waveform": sound.waveform[None], "sample_rate": sound.sample_rate}


NODES = (SVDLoadFrames, SVDFramesFromLatent)

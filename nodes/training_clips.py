"""From one's own films to clips that a LoRA can be trained on."""

from __future__ import annotations

from comfy_api.latest import io

from ..training.clips.films import stamp_of_place
from .film_inputs import film_path
from .run_training_clips import Material, settings_of, training_clips
from .schema import advanced, schema

Clips = io.Custom("SVD_CLIPS")


class SVDTrainingClips(io.ComfyNode):
    """Films, cut, measured, encoded once and kept."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioTrainingClips",
            display_name="SVD Training Clips",
            description="Cut your films into clips, measure how they move, and encode them for "
            "training. What is encoded stays on the disk: a second run only adds what is new.",
            search_aliases=["dataset", "LoRA training data", "video dataset", "finetune"],
            inputs=[
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                io.ClipVision.Input("clip_vision", tooltip="From Load SVD Model."),
                io.String.Input(
                    "folder",
                    default="",
                    tooltip="A folder of videos, and of folders of pictures that are a film each; "
                    "or one film. In ComfyUI's input folder, or the whole path.",
                ),
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="One more film: a batch of its frames in order.",
                ),
                io.String.Input(
                    "name",
                    default="",
                    tooltip="Of the set: its folder below output/svd_studio/training_clips. "
                    "Empty: the name of the folder.",
                ),
                io.Int.Input(
                    "num_frames",
                    default=0,
                    min=0,
                    max=4096,
                    tooltip="Frames of a clip; 0: as the model was trained, 14 (svd) or 25 "
                    "(svd_xt). Fewer need less memory in training.",
                ),
                io.Int.Input(
                    "fps",
                    default=0,
                    min=0,
                    max=120,
                    tooltip="Frames a second of the motion, picked by time; 0: the film's own. "
                    "Lower it to fit longer motion into a clip; 7 is SVD's usual.",
                ),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    tooltip="With height, how many pixels a clip has about; films keep their own "
                    "shape. 0: the model's own (1024). 512 with 320 trains in a third of the "
                    "memory.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    tooltip="See width. 0: the model's own (576).",
                ),
                io.Int.Input(
                    "clips_per_film",
                    default=8,
                    min=0,
                    max=100_000,
                    tooltip="At most, evenly spread, none over a scene cut; 0: as many as fit "
                    "without overlap. Raise it for a few long films.",
                ),
                io.Boolean.Input(
                    "mirror",
                    default=False,
                    tooltip="Add every clip flipped left to right. Never for a direction, such as "
                    "a pan to the left: it would be unlearned.",
                ),
                io.Float.Input(
                    "validation_share",
                    default=0.1,
                    min=0.0,
                    max=0.5,
                    step=0.01,
                    tooltip="Held out, whole films where possible, to see whether what is learned "
                    "holds for others. At least one of four clips; 0: none.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    tooltip="Draws what is held out, and noise on the first picture. With another "
                    "seed every clip is encoded again.",
                ),
                advanced(
                    io.Float.Input(
                        "pictures_fps",
                        default=0.0,
                        min=0.0,
                        max=1000.0,
                        step=0.01,
                        round=False,
                        tooltip="Frames a second of pictures and of images, which name none; 0: "
                        "fps, or else 7, with every frame taken.",
                    )
                ),
            ],
            outputs=[
                Clips.Output(display_name="clips", tooltip="For SVD Train LoRA."),
                io.String.Output(
                    display_name="report", tooltip="What there is, and what was skipped and why."
                ),
                io.Image.Output(
                    display_name="preview", tooltip="First, middle and last frame of some clips."
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, folder="", **widgets: object) -> str:
        stamp = stamp_of_place(film_path(folder)) if folder.strip() else ""
        return f"{stamp} {sorted((name, str(value)) for name, value in widgets.items())}"

    @classmethod
    def execute(
        cls,
        vae,
        clip_vision,
        folder,
        name,
        num_frames,
        fps,
        width,
        height,
        clips_per_film,
        mirror,
        validation_share,
        seed,
        pictures_fps,
        images=None,
    ) -> io.NodeOutput:
        shape = (num_frames, fps, width, height)
        settings = settings_of(vae, shape, clips_per_film, mirror, validation_share, seed)
        material = Material(folder, name, images, pictures_fps or fps or 7)
        return training_clips(vae, clip_vision, material, settings, cls)


NODES = (SVDTrainingClips,)

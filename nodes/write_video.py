"""Writing frames that are pulled, in any format, so that a killed render can go on."""

from __future__ import annotations

from comfy_api.latest import io

from ..video.write.formats import formats
from ..video.write.poster import Poster
from .frames import frames_input
from .run_write import Graph, WriteSettings, write_in_output_folder
from .schema import advanced, schema


class SVDWriteVideo(io.ComfyNode):
    """The end of a finish: films, animations and numbered pictures, in constant memory."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioWriteVideo",
            display_name="SVD Write Video",
            description="Pull frames and write them as a film, an animation or numbered pictures, "
            "one at a time. What is finished stays finished: queue the same graph again after a "
            "crash or a cancel and it goes on. Never overwrites.",
            search_aliases=["video combine", "save video", "export", "prores", "exr", "gif"],
            inputs=[
                frames_input("The frames, in order: SVD_FRAMES, or a batch of images."),
                io.Combo.Input(
                    "format",
                    options=list(formats()),
                    tooltip="H.264 plays everywhere. Choose ProRes, DNxHR or EXR to go on in an "
                    "editor, FFV1 to lose nothing.",
                ),
                io.Float.Input(
                    "fps",
                    default=0.0,
                    min=0.0,
                    max=1000.0,
                    step=0.01,
                    round=False,
                    tooltip="Frames per second; 0: what the frames know. 23.976, 29.97 and 59.94 "
                    "are taken as exactly 24000/1001, 30000/1001 and 60000/1001.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="video/SVD",
                    tooltip="Folder and name within ComfyUI's output folder; a number is added.",
                ),
                io.Int.Input(
                    "quality",
                    default=80,
                    min=0,
                    max=100,
                    tooltip="80: good for viewing and uploading; 100: no visible loss, large "
                    "files. ProRes, DNxHR, FFV1 and pictures have one quality.",
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="Mono or stereo; cut, or followed by silence, to last as long as the "
                    "film.",
                ),
                io.Combo.Input(
                    "poster",
                    options=[poster.value for poster in Poster],
                    default=Poster.NONE.value,
                    tooltip="Save one frame as a JPEG of the same name beside the film.",
                ),
                io.Boolean.Input(
                    "metadata",
                    default=True,
                    tooltip="Write the graph and the names of its models into the file. Switch "
                    "off before giving the film away if the prompt is private.",
                ),
                *_advanced(),
            ],
            outputs=[
                io.Video.Output(tooltip="The film; blocked for animations and pictures."),
                io.String.Output(
                    display_name="path", tooltip="The file, or the folder of the pictures."
                ),
                io.String.Output(
                    display_name="report", tooltip="What was written, and what was changed."
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        frames,
        format,
        fps,
        filename_prefix,
        quality,
        poster,
        metadata,
        licence,
        segment_frames,
        resume,
        first_number,
        audio=None,
    ) -> io.NodeOutput:
        settings = WriteSettings(
            format, fps, filename_prefix, quality, poster, metadata, licence, segment_frames,
            resume, first_number,
        )  # fmt: skip
        graph = Graph(cls.hidden.prompt, cls.hidden.extra_pnginfo, cls.hidden.unique_id)
        return write_in_output_folder(frames, audio, settings, graph)


def _advanced() -> list[io.Input]:
    return [
        advanced(
            io.String.Input(
                "licence",
                default="",
                tooltip="A note that goes into the file with the metadata, such as who owns the "
                "film and what the models allow.",
            )
        ),
        advanced(
            io.Int.Input(
                "segment_frames",
                default=0,
                min=0,
                max=10_000,
                tooltip="Frames that are encoded on their own, the most that a crash can cost; 0: "
                "what suits the format. Longer makes films a little smaller.",
            )
        ),
        advanced(
            io.Boolean.Input(
                "resume",
                default=True,
                tooltip="Go on with what an earlier run finished. Off: begin anew.",
            )
        ),
        advanced(
            io.Int.Input(
                "first_number",
                default=1001,
                min=0,
                max=9_999_999,
                tooltip="Of the first picture of a sequence. Editors start at 1001.",
            )
        ),
    ]


NODES = (SVDWriteVideo,)

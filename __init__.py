"""ComfyUI entry point: nothing is imported until ComfyUI asks for the nodes."""

WEB_DIRECTORY = "./js"


async def comfy_entrypoint():  # noqa: ANN201 - the type lives in ComfyUI, which is not imported here
    from .nodes import SVDStudioExtension, name_model_folders

    name_model_folders()
    return SVDStudioExtension()

"""Starting points for networks that core builds with uninitialised weights."""

from __future__ import annotations

from torch import nn

RESIDUAL_GAIN = 0.3


LAYERS = (nn.Conv2d, nn.Conv3d, nn.Linear, nn.LayerNorm, nn.GroupNorm, nn.Embedding)


def reset_parameters(network: nn.Module) -> None:
    """torch's default initialisation for every layer that has one."""
    for module in network.modules():
        for layer in LAYERS:
            if isinstance(module, layer):
                layer.reset_parameters(module)  # core's subclasses turn the method itself off


def start_vae(vae: nn.Module) -> None:
    """Damp the residual branches and make every temporal layer of the decoder an identity."""
    reset_parameters(vae)
    nn.init.constant_(vae.encoder.conv_out.bias[4:].detach(), -4.0)  # log-variance: start quiet
    for module in vae.modules():
        if type(module).__name__ in {"ResnetBlock", "VideoResBlock"}:
            module.conv2.weight.data.mul_(RESIDUAL_GAIN)
        if type(module).__name__ == "VideoResBlock":
            zero(module.time_stack.out_layers[-1])
            nn.init.zeros_(module.mix_factor)
    mix = vae.decoder.conv_out.time_mix_conv
    zero(mix)
    for channel in range(mix.weight.shape[0]):
        mix.weight.data[channel, channel, 1] = 1.0


def start_unet(unet: nn.Module, latent_scale: float) -> None:
    """Zero the end of every residual branch, so that training starts from the identity.

    The conditioning half of the first kernel is scaled because its latent arrives unscaled.
    """
    reset_parameters(unet)
    for module in unet.modules():
        kind = type(module).__name__
        if kind in {"ResBlock", "VideoResBlock"}:
            zero(module.out_layers[-1])
        if kind == "SpatialVideoTransformer":
            zero(module.proj_out)
        if kind == "AlphaBlender":
            nn.init.zeros_(module.mix_factor)
    zero(unet.out[-1])
    unet.input_blocks[0][0].weight.data[:, 4:] *= latent_scale


def start_image_encoder(encoder: nn.Module) -> None:
    """CLIP's small random embeddings over torch's default layers."""
    reset_parameters(encoder)
    embeddings = encoder.vision_model.embeddings
    nn.init.normal_(embeddings.class_embedding, std=0.02)
    nn.init.normal_(embeddings.position_embedding.weight, std=0.02)


def zero(module: nn.Module) -> None:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)

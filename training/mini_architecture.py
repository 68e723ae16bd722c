"""The shape of svd-mini: SVD's architecture at a fifth of its width, 18 M parameters."""

from ..models.architecture import ImageEncoderArchitecture, UNetArchitecture, VAEArchitecture

UNET = UNetArchitecture(
    model_channels=64,
    channel_mult=(1, 2, 2),
    num_res_blocks=(1, 1, 1),
    transformer_depth=(0, 1, 1),
    transformer_depth_output=(0, 0, 1, 1, 1, 1),
    context_dim=192,
    num_head_channels=32,
    norm_num_groups=8,
)
VAE = VAEArchitecture(channels=32, num_res_blocks=1, norm_num_groups=8)
IMAGE_ENCODER = ImageEncoderArchitecture(
    hidden_size=128,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=256,
    patch_size=28,
    projection_dim=192,
)

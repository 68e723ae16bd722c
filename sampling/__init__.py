"""One denoising run: sigmas, guidance, conditioning and decode. The model is an argument."""

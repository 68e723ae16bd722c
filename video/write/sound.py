"""The sound of a film: exactly as long as its pictures, encoded while they are joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from torch.nn.functional import pad

from ..sources.sound import Sound
from .encoder import missing_encoder

LAYOUTS = {1: "mono", 2: "stereo"}
# The deepest that an encoder takes is taken.
SAMPLE_FORMATS = ("fltp", "flt", "s32", "s32p", "s16", "s16p")


def lasting(sound: Sound, seconds: Fraction) -> Sound:
    """`sound`, cut or followed by silence."""
    wanted = round(seconds * sound.sample_rate)
    here = sound.waveform[:, :wanted]
    return Sound(pad(here, (0, wanted - here.shape[-1])), sound.sample_rate)


def length_of(sound: Sound) -> Fraction:
    """In seconds."""
    return Fraction(sound.waveform.shape[-1], sound.sample_rate)


def sound_in(audio: Mapping[str, object] | None) -> Sound | None:
    """ComfyUI's AUDIO, {"waveform": (1, channels, N), "sample_rate": Hz}, or nothing.

    Raises ValueError for more than one sound or more than two channels.
    """
    if audio is None:
        return None
    waveform, rate = audio["waveform"], int(audio["sample_rate"])
    if waveform.ndim != 3 or len(waveform) != 1 or waveform.shape[1] not in LAYOUTS:
        raise ValueError(
            f"expected one sound with one or two channels, got {tuple(waveform.shape)} (sounds, "
            "channels, samples): mix it down to stereo first"
        )
    return Sound(waveform[0].detach().float().cpu(), rate)


def add_sound(container: OutputContainer, encoder: str, sound: Sound) -> AudioStream:
    """A stream for `sound` in `container`; raises ValueError if PyAV lacks the encoder."""
    try:
        codec = av.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError as error:
        raise missing_encoder(encoder) from error
    stream = container.add_stream(encoder, rate=_encoded_rate(codec, sound.sample_rate))
    known = {each.name for each in codec.audio_formats or ()}
    stream.format = next((name for name in SAMPLE_FORMATS if name in known), "s16")
    stream.layout = LAYOUTS[len(sound.waveform)]
    if encoder in ("aac", "libopus"):
        stream.bit_rate = 96_000 * len(sound.waveform)
    return stream


def sound_packets(stream: AudioStream, sound: Sound) -> Iterator[Packet]:
    """`sound`, encoded for `stream` a second at a time."""
    samples = sound.waveform.clamp(-1, 1).numpy()
    for start in range(0, samples.shape[-1], sound.sample_rate):
        second = np.ascontiguousarray(samples[:, start : start + sound.sample_rate])
        frame = av.AudioFrame.from_ndarray(second, format="fltp", layout=LAYOUTS[len(samples)])
        frame.sample_rate = sound.sample_rate
        frame.time_base = Fraction(1, sound.sample_rate)
        frame.pts = start
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _encoded_rate(codec: av.Codec, rate: int) -> int:
    """`rate` itself, or the next higher one of an encoder that has only some."""
    known = sorted(codec.audio_rates or (rate,))
    return next((each for each in known if each >= rate), known[-1])

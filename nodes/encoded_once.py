"""What was encoded lately: nothing is encoded again because another seed was chosen."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, MutableMapping

from torch import Tensor

from ..video.fingerprint import fingerprint

LATEST = 16  # a few films' pictures: under 3 MB an encoder at 1024x576


class EncodedOnce:
    """The `latest` results of every encoder, by what they were made of.

    Encoders are known by their object, and neither kept alive nor outlived. As in ComfyUI's own
    cache, one whose weights somebody changes in place, without a patch, counts as unchanged.
    """

    def __init__(self, latest: int = LATEST) -> None:
        self._latest = latest
        self._results: MutableMapping[object, OrderedDict[str, Tensor]]
        self._results = weakref.WeakKeyDictionary()

    def get(self, encoder: object, made_of: tuple, encode: Callable[[], Tensor]) -> Tensor:
        """What `encode` gives, or gave for the same `made_of`; a tensor of the caller's own.

        `encoder`: a VAE or CLIP_VISION, any pack's. `made_of`: what `fingerprint` takes, with every
        input of `encode` in it. `encode` must not hold on to its result.
        """
        results = self._results.setdefault(encoder, OrderedDict())
        key = fingerprint(*made_of, _patches_of(encoder))
        if key not in results:
            results[key] = encode().detach()
        results.move_to_end(key)
        while len(results) > self._latest:
            results.popitem(last=False)
        return results[key].clone()  # whoever writes into it must not reach what is kept


def _patches_of(encoder: object) -> str:
    """What core changes when a patch is added; empty for an encoder that core does not patch."""
    return str(getattr(getattr(encoder, "patcher", None), "patches_uuid", ""))

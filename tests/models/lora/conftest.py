"""Names and shapes of a narrow SVD UNet and of the published one."""

from __future__ import annotations

import pytest
from svd_studio.models.architecture import UNetArchitecture
from svd_studio.models.lora.dialects import ModuleNames, module_names

from .lora_makers import SMALL, shapes_of


@pytest.fixture(scope="session")
def small_shapes() -> dict[str, tuple[int, ...]]:
    return shapes_of(SMALL)


@pytest.fixture(scope="session")
def small(small_shapes) -> ModuleNames:
    return module_names(small_shapes)


@pytest.fixture(scope="session")
def full_shapes() -> dict[str, tuple[int, ...]]:
    return shapes_of(UNetArchitecture())


@pytest.fixture(scope="session")
def full(full_shapes) -> ModuleNames:
    return module_names(full_shapes)

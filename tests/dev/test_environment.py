"""The environment: what is installed, and when it is installed again."""

import sys

import pytest

REQUIREMENTS = """comfyui-frontend-package==1.32.9
torch
torchsde
TorchVision>=0.2
torchaudio

#non essential dependencies:
kornia>=0.7.1
"""


def test_torch_is_not_taken_from_comfyui_but_its_namesakes_are(environment):
    kept = environment.kept_requirements(REQUIREMENTS).splitlines()
    assert kept == [
        "comfyui-frontend-package==1.32.9",
        "torchsde",
        "",
        "#non essential dependencies:",
        "kornia>=0.7.1",
        "requests",
    ]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("torch==2.1", "torch"),
        ("torch[x]>1", "torch"),
        ("Foo_Bar.baz", "foo-bar-baz"),
        ("# torch", ""),
        ("", ""),
    ],
)
def test_project_name_is_normalised(environment, line, name):
    assert environment.project_name(line) == name


def test_stamp_is_current_only_for_the_same_parts(environment, tmp_path):
    stamp = tmp_path / "folder" / "a.stamp"
    mark = environment.fingerprint(["a", "b"])
    assert not environment.is_current(stamp, mark)
    environment.write_text(stamp, mark)
    assert environment.is_current(stamp, mark)
    assert not environment.is_current(stamp, environment.fingerprint(["ab"]))


@pytest.fixture
def installation(environment, tmp_path, monkeypatch):
    """A set-up whose pip calls are recorded instead of made."""
    calls = []
    monkeypatch.setattr(environment, "RUNTIME", tmp_path / "not made yet")
    monkeypatch.setattr(
        environment, "pip", lambda _python, *arguments: calls.append(arguments) or 0
    )
    comfyui = tmp_path / "comfyui"
    comfyui.mkdir()
    (comfyui / "requirements.txt").write_text("numpy\ntorch\n")
    (comfyui / "comfyui_version.py").write_text("__version__ = '1'")
    env = environment.Environment(sys.executable, tmp_path / "stamps")
    return env, comfyui, calls


def test_second_set_up_does_not_call_pip(environment, installation):
    env, comfyui, calls = installation
    environment.install_pack(env, comfyui)
    assert calls
    calls.clear()
    environment.install_pack(env, comfyui)
    assert calls == []


def test_another_comfyui_version_is_installed_for(environment, installation):
    env, comfyui, calls = installation
    environment.install_pack(env, comfyui)
    calls.clear()
    (comfyui / "comfyui_version.py").write_text("__version__ = '2'")
    environment.install_pack(env, comfyui)
    assert calls


def test_failed_pip_leaves_no_stamp(environment, installation, monkeypatch):
    env, comfyui, _calls = installation
    monkeypatch.setattr(environment, "pip", lambda *_: 1)
    with pytest.raises(environment.SetupError, match="pip failed"):
        environment.install_pack(env, comfyui)
    assert not env.stamps.exists()


def test_torch_falls_back_to_unpinned_when_the_pins_do_not_install(environment, monkeypatch):
    calls = []

    def pip(_python, *arguments):
        calls.append(arguments)
        return int(arguments == environment.PINNED_TORCH)

    monkeypatch.setattr(environment, "pip", pip)
    monkeypatch.setattr(environment, "PINNED_TORCH_PYTHON", sys.version_info[:2])
    environment.install_torch(sys.executable)
    assert calls == [environment.PINNED_TORCH, ("torch", "torchvision")]


def test_an_interpreter_of_the_users_replaces_the_environment(environment, monkeypatch):
    monkeypatch.setenv("SVD_STUDIO_PYTHON", sys.executable)
    assert str(environment.find_environment().python) == sys.executable
    monkeypatch.setenv("SVD_STUDIO_PYTHON", "/no/such/python")
    with pytest.raises(environment.SetupError, match="no/such/python"):
        environment.find_environment()

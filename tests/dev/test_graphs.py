"""dev/graphs.py: --set and --image find the node a person means, or say what there is."""

import json

import pytest


@pytest.fixture
def graphs(script):
    return script("graphs")


@pytest.fixture
def graph():
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}, "_meta": {"title": "Start"}},
        "2": {"class_type": "Sampler", "inputs": {"seed": 1, "model": ["1", 0]}},
        "3": {"class_type": "Save", "inputs": {"format.codec": "h264"}},
        "4": {"class_type": "Save", "inputs": {"prefix": "x"}, "_meta": {"title": "v1.5 save"}},
    }


@pytest.mark.parametrize(
    ("assignment", "node", "name", "value"),
    [
        ("2.seed=7", "2", "seed", 7),
        ("Sampler.seed=7.5", "2", "seed", 7.5),
        ("Start.image=b.png", "1", "image", "b.png"),
        ("3.format.codec=av1", "3", "format.codec", "av1"),
        ("v1.5 save.prefix=a=b", "4", "prefix", "a=b"),
        ("v1.5 save.prefix=", "4", "prefix", ""),
        ("2.seed=true", "2", "seed", True),
    ],
    ids=["id", "class", "title", "dotted input", "dotted title", "empty", "json"],
)
def test_assignment_reaches_its_input(graphs, graph, assignment, node, name, value):
    graphs.assign(graph, assignment)
    assert graph[node]["inputs"][name] == value


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("Nobody.seed=1", "no such node; the graph has Start .*Sampler .*v1.5 save"),
        ("Sampler.sed=1", "Sampler has no input 'sed' here; it has seed, model"),
        ("seed", "expected Node.input=value"),
        ("seed=1", "expected Node.input=value"),
    ],
    ids=["node", "input", "no value", "no node"],
)
def test_wrong_assignment_names_the_candidates(graphs, graph, assignment, message):
    with pytest.raises(graphs.GraphError, match=message) as caught:
        graphs.assign(graph, assignment)
    assert "\n" not in str(caught.value)


def test_class_that_two_nodes_have_is_ambiguous(graphs, graph):
    del graph["4"]["_meta"]
    with pytest.raises(graphs.GraphError, match=r"several .*id 3.*id 4"):
        graphs.assign(graph, "Save.prefix=x")


def test_picture_goes_to_the_only_load_image_node(graphs, graph):
    assert graphs.picture_node(graph) == "1"


def test_picture_without_a_place_is_refused(graphs, graph):
    del graph["1"]
    with pytest.raises(graphs.GraphError, match="no LoadImage"):
        graphs.picture_node(graph)


def test_picture_with_two_places_names_them_and_the_way_out(graphs, graph):
    graph["5"] = {"class_type": "LoadImage", "inputs": {}, "_meta": {"title": "End"}}
    with pytest.raises(graphs.GraphError, match=r"Start .*End .*--set"):
        graphs.picture_node(graph)


def test_picture_goes_to_the_one_that_is_titled_so(graphs, graph):
    graph["5"] = {"class_type": "LoadImage", "inputs": {}, "_meta": {"title": "Picture"}}
    assert graphs.picture_node(graph) == "5"
    graph["6"] = {"class_type": "LoadImage", "inputs": {}, "_meta": {"title": "Picture"}}
    with pytest.raises(graphs.GraphError, match="several"):
        graphs.picture_node(graph)


def test_inputs_are_listed_as_set_takes_them(graphs, graph):
    graph["5"] = {"class_type": "Save", "inputs": {"prefix": "y"}, "_meta": {"title": "Start"}}
    listed = graphs.settable(graph)
    assert listed == [
        '1.image = "a.png"',
        "Sampler.seed = 1",
        'Save.format.codec = "h264"',
        'v1.5 save.prefix = "x"',
        '5.prefix = "y"',
    ]
    for line in listed:
        target, _, value = line.partition(" = ")
        before = json.dumps(graph)
        graphs.assign(graph, f"{target}={value}")
        assert json.dumps(graph) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot read"),
        (json.dumps([1]), "no graph"),
        (json.dumps({"1": {"class_type": "A"}}), "no graph"),
        ("{}", "no graph"),
    ],
    ids=["broken", "list", "no inputs", "empty"],
)
def test_other_files_are_not_taken_for_graphs(graphs, tmp_path, text, message):
    file = tmp_path / "graph.json"
    file.write_text(text)
    with pytest.raises(graphs.GraphError, match=message):
        graphs.checked(graphs.read(file), file)

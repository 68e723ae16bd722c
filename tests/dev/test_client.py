"""dev/client.py: what the server's messages become on the screen."""

import io

import pytest

GRAPH = {
    "1": {"class_type": "Loader", "inputs": {}, "_meta": {"title": "Load it"}},
    "2": {"class_type": "Sampler", "inputs": {}},
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def client(script):
    return script("client")


def test_each_node_is_one_plain_line_off_a_terminal(client):
    stream = io.StringIO()
    progress = client.ProgressLine(GRAPH, stream)
    client.show_event(progress, "executing", {"node": "1", "display_node": "1"})
    for value in range(3):
        client.show_event(progress, "progress", {"node": "2", "value": value, "max": 3})
    client.show_event(progress, "executing", {"node": None})
    progress.close()
    assert stream.getvalue() == "Load it\nSampler\n"


def test_terminal_line_is_redrawn_and_ends_with_a_newline(client):
    stream = Terminal()
    progress = client.ProgressLine(GRAPH, stream)
    running = {"state": "running", "value": 2, "max": 4, "display_node_id": "2"}
    finished = {"state": "finished", "value": 1, "max": 1, "display_node_id": "1"}
    client.show_event(progress, "progress_state", {"nodes": {"1": finished, "2": running}})
    progress.close()
    text = stream.getvalue()
    assert text.startswith("\r[############            ] 2/4 Sampler")
    assert text.endswith("\n")


def test_files_are_found_under_any_key(client):
    file = {"filename": "a.mp4", "subfolder": "video", "type": "output"}
    output = {"gifs": [{**file, "format": "video/h264"}], "animated": [True], "text": ["x"]}
    assert client.listed_files(output) == [file]
    assert client.listed_files(None) == []


def test_refusal_is_one_line_per_node(client):
    too_big = {
        "message": "Value too big",
        "details": "seed",
        "extra_info": {"input_name": "seed"},
    }
    missing = {"message": "Not in list", "details": "x", "extra_info": {"input_name": "model"}}
    answer = {"error": {"message": "failed"}, "node_errors": {"2": {"errors": [too_big, missing]}}}
    assert client.refusal_lines(GRAPH, answer) == [
        "Sampler: seed: Value too big; model: Not in list (x)"
    ]


def test_refusal_without_nodes_is_the_general_one(client):
    answer = {"error": {"message": "Prompt has no outputs", "details": ""}, "node_errors": {}}
    assert client.refusal_lines(GRAPH, answer) == ["Prompt has no outputs"]


def test_failure_names_the_node_by_its_title(client):
    data = {"node_id": "1", "exception_message": "no such file\n"}
    assert client.failure_text(GRAPH, "execution_error", data) == "Load it: no such file"

import assert from "node:assert/strict";
import { test } from "node:test";

import { factsLine, filmIn, frameFileName, frameWord, kindOf, viewPath } from "../../js/player/facts.mjs";

const FILM = {
  filename: "SVD_00001.mp4", subfolder: "video", type: "output", width: 1024, height: 576,
  frames: 25, fps: 7, bytes: 1_234_567, written: "output/video/SVD_00001.mp4",
};

test("the line of a film", () => {
  assert.equal(factsLine(FILM), "1024×576 · 25 frames · 7 fps · 3.6 s · 1.2 MB");
  assert.equal(frameWord(6), "frame 7");
});

test("rates that are fractions are said as people say them, and one frame is one", () => {
  const line = factsLine({ ...FILM, fps: 24000 / 1001, frames: 1, bytes: 999 });
  assert.equal(line, "1024×576 · 1 frame · 23.976 fps · 0.0 s · 1 kB");
});

test("sizes change their unit before they have four digits", () => {
  const size = (/** @type {number} */ bytes) => factsLine({ ...FILM, bytes }).split(" · ").at(-1);
  assert.deepEqual([999_400, 999_600, 42e6, 3.21e9].map(size), ["999 kB", "1.0 MB", "42.0 MB", "3.2 GB"]);
});

test("a preview is called one", () => {
  assert.match(factsLine({ ...FILM, written: "" }), /preview 1\.2 MB$/);
});

test("what is no film is none", () => {
  for (const told of [undefined, null, {}, { svd_film: [] }, { svd_film: "x" }, { svd_film: [null] }])
    assert.equal(filmIn(told), null);
  for (const wrong of [{ fps: 0 }, { fps: "7" }, { frames: 0 }, { width: null }, { bytes: NaN }])
    assert.equal(filmIn({ svd_film: [{ ...FILM, ...wrong }] }), null);
});

test("of several films the last is shown", () => {
  assert.equal(filmIn({ svd_film: [FILM, { ...FILM, filename: "b.mp4" }] })?.filename, "b.mp4");
});

test("the file says what shows it", () => {
  const kinds = ["a.mp4", "a.webm", "a.gif", "a.WEBP", undefined].map((filename) => kindOf({ ...FILM, filename }));
  assert.deepEqual(kinds, ["film", "film", "animation", "animation", "nothing"]);
});

test("no name leaves its place in the address", () => {
  const name = `a"b&type=input#<script>.mp4`;
  const asked = new URL(viewPath({ ...FILM, filename: name, subfolder: "../x" }), "http://here");
  assert.equal(asked.searchParams.get("filename"), name);
  assert.equal(asked.searchParams.get("type"), "output");
  assert.equal(asked.searchParams.get("subfolder"), "../x");
});

test("a saved frame has its film's name and its number", () => {
  assert.equal(frameFileName(FILM, 6), "SVD_00001_frame_0007.png");
  assert.equal(frameFileName({ ...FILM, written: "", filename: "svd_preview_a.mp4" }, 0), "svd_preview_a_frame_0001.png");
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { easeAt, easePart } from "../../js/camera/easing.mjs";
import { MOVES, poseAt } from "../../js/camera/path.mjs";
import { PathError, readPath, writePath } from "../../js/camera/path_json.mjs";
import { layOut } from "../../js/camera/scene.mjs";
import { homography } from "../../js/camera/view.mjs";
import { warp } from "../../js/camera/warp.mjs";

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf-8"));
const oracle = read("./camera_oracle.json"); // made by tests/sampling/test_camera_oracle.py
const golden = read("../golden/camera_paths.json");

function near(found, expected, reach, what) {
  assert.equal(found.length, expected.length, what);
  found.forEach((value, index) =>
    assert.ok(Math.abs(value - expected[index]) <= reach, `${what}, ${index}: ${value}, not ${expected[index]}`),
  );
}

const cases = [
  ...oracle.paths,
  ...golden.cases.map(({ path, poses, homographies }) => ({ text: JSON.stringify(path), poses, homographies })),
];

test("poses and homographies are those of the server", () => {
  for (const { text, poses, homographies } of cases) {
    const path = readPath(text);
    poses.forEach((pose, frame) => {
      const found = poseAt(path, frame / Math.max(1, poses.length - 1));
      near(MOVES.map((move) => found[move]), pose, 1e-6, text);
      near(homography(found, path.fov), homographies[frame], 1e-6, text);
    });
  }
});

test("a path that was read and written moves as before", () => {
  for (const { text } of cases) {
    const path = readPath(text);
    assert.deepEqual(readPath(writePath(path)), path, text);
  }
});

test("what the server refuses is refused in a sentence", () => {
  for (const text of oracle.refused)
    assert.throws(
      () => readPath(text),
      (error) => error instanceof PathError && /^[A-Z].*\.$/.test(error.message),
      text,
    );
});

test("eases and pieces of eases go the way of the server's", () => {
  for (const { ease, at, part, part_at: partAt } of oracle.eases) {
    const times = at.map((_, index) => index / 8);
    near(times.map((t) => easeAt(ease, t)), at, 1e-9, `${ease}`);
    const piece = easePart(ease, 0.25, 0.7);
    near(times.map((t) => easeAt(piece, t)), partAt, 1e-4, `part of ${ease}`);
    if (typeof part === "string") assert.equal(piece, part);
  }
});

test("the picture lies where the server lays it, but for whole pixels", () => {
  for (const { picture, film, fit, known } of oracle.layouts) {
    const box = layOut(picture[1] / picture[0], film[1] / film[0], fit).known;
    near([box.left, box.top, box.width, box.height], known, 1.1 / film[0], `${picture} in ${film}, ${fit}`);
  }
});

test("a frame of the film has the server's pixels: seen, mirrored and striped", () => {
  const { text, frame } = oracle.film;
  const [width, height] = [96, 64];
  const data = new Uint32Array(width * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      data[row * width + column] = 2 * column + 3 * row * 0x100 + (column + row) * 0x10000 + 0xff000000;
  const path = readPath(text);
  const target = { data: new Uint32Array(width * height), width, height };
  const scene = layOut(height / width, height / width, "cover");
  warp(target, { data, width, height }, scene, homography(poseAt(path, 1), path.fov));
  const found = [];
  for (let row = 0; row < height; row += 7)
    for (let column = 0; column < width; column += 5) {
      const pixel = target.data[row * width + column];
      found.push(pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255);
    }
  near(found, frame, 3, "pixels");
});

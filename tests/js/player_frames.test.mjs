import assert from "node:assert/strict";
import { test } from "node:test";

import { frameAt, frameOfKey, middleOf, stepped } from "../../js/player/frames.mjs";

const RATES = [0.5, 6, 7, 24000 / 1001, 25, 60, 1000];

test("the time that a frame is sought at is inside that frame, whatever is rounded", () => {
  for (const fps of RATES)
    for (let frame = 0; frame < 2000; frame++) {
      const time = middleOf(frame, fps);
      assert.ok(time > frame / fps && time < (frame + 1) / fps);
      assert.equal(frameAt(Math.round(time * 1e6) / 1e6, fps, 2000), frame);
    }
});

test("the time that a browser gives a frame is its beginning, in whole microseconds", () => {
  for (const fps of RATES)
    for (let frame = 0; frame < 2000; frame++)
      assert.equal(frameAt(Math.floor((frame / fps) * 1e6) / 1e6, fps, 2000), frame, `${fps}`);
});

test("there is no frame outside the film", () => {
  assert.equal(frameAt(-1, 7, 4), 0);
  assert.equal(frameAt(99, 7, 4), 3);
});

test("steps stop at the ends, or go round", () => {
  assert.equal(stepped(3, 1, 4, false), 3);
  assert.equal(stepped(0, -1, 4, false), 0);
  assert.equal(stepped(3, 1, 4, true), 0);
  assert.equal(stepped(0, -1, 4, true), 3);
  assert.equal(stepped(0, 1, 1, true), 0);
});

test("keys go to frames", () => {
  const keys = ["ArrowLeft", "ArrowRight", "Home", "End", "a"];
  assert.deepEqual(keys.map((key) => frameOfKey(key, 2, 9, true)), [1, 3, 0, 8, null]);
});

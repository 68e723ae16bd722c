/** What a run takes of memory, in words and in shares of a bar. */

const GIBI = 2 ** 30;
const MEBI = 2 ** 20;

/**
 * What the server tells of a run, in bytes; see nodes/memory_events.py.
 * @typedef {{ way: string, estimate: number, budget: number | null, measured: number | null,
 *   retries: string[] }} MemoryFacts
 */

/**
 * Bytes as "1.57 GiB" or "93 MiB".
 * @param {number} bytes
 */
export function size(bytes) {
  const [amount, unit] = amountOf(bytes);
  return `${amount} ${unit}`;
}

/**
 * Two sizes, with the unit once where it is the same.
 * @param {number} part
 * @param {number | null} whole  null where there is no limit
 */
export function sizeOf(part, whole) {
  if (whole === null) return size(part);
  const [few, unit] = amountOf(part);
  const [all, same] = amountOf(whole);
  return unit === same ? `${few} of ${all} ${unit}` : `${few} ${unit} of ${all} ${same}`;
}

/**
 * The line on the node, and how full its bar is: shares of the budget from 0 to 1.
 * @param {MemoryFacts} facts
 */
export function memoryLine(facts) {
  const { way, estimate, budget, measured, retries } = facts;
  // A process that had freed memory before may not have grown at all: that says nothing.
  const took = measured !== null && measured >= MEBI ? ` · measured ${size(measured)}` : "";
  const whole = budget ?? Math.max(estimate, measured ?? 0, 1);
  return {
    text: `plan ${sizeOf(estimate, budget)}, ${way}${took}`,
    planned: share(estimate, whole),
    measured: share(measured ?? 0, whole),
    ranOut: retries.length > 0,
    tooltip: tooltip(facts),
  };
}

/** @param {MemoryFacts} facts */
function tooltip({ way, estimate, budget, measured, retries }) {
  const limit =
    budget === null ? "without a limit" : `within ${size(budget)}, which was free or was given`;
  const lines = [
    `Memory beside the model's weights, planned ${limit}: ${size(estimate)}, ${way}.`,
    "The way through the model changes how long it takes, never the film.",
  ];
  if (measured !== null && measured >= MEBI)
    lines.push(`Most that was in use at a time: ${size(measured)}.`);
  lines.push(...retries.map((each) => `Memory ran out: ${each.replace(/^out of memory with /, "")}.`));
  lines.push(
    retries.length
      ? "Close what else uses the memory, or give SVD Memory Plan a smaller budget: then it starts on the way that fits."
      : "To leave more to other programs, put SVD Memory Plan before this node. Smaller films with fewer frames take less.",
  );
  return lines.join("\n");
}

/**
 * @param {number} part
 * @param {number} whole
 */
function share(part, whole) {
  return whole > 0 ? Math.min(1, part / whole) : 1;
}

/**
 * @param {number} bytes
 * @returns {[string, string]}
 */
function amountOf(bytes) {
  // 0.1 GiB and more, so that a plan and its budget mostly have one unit.
  return bytes >= GIBI / 10
    ? [(bytes / GIBI).toFixed(2), "GiB"]
    : [String(Math.round(bytes / MEBI)), "MiB"];
}

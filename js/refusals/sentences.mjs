/** What the server has against a node, as one sentence. */

const LONGEST = 400; // characters

/**
 * A reason why the server did not take a node's input; see validate_inputs of ComfyUI.
 * @typedef {{ type: string, message: string, details: string,
 *   extra_info?: { input_name?: string, received_value?: any, received_type?: any,
 *     input_config?: any } }} Reason
 */

/** @type {Record<string, (input: string, reason: Reason) => string>} */
const SENTENCES = {
  required_input_missing: (input) => `Nothing is connected to ${input}, which the node needs.`,
  value_not_in_list: (input, { extra_info }) =>
    `${input} is “${extra_info?.received_value}”, which is not there: choose another one.`,
  value_smaller_than_min: bound("least", "min"),
  value_bigger_than_max: bound("most", "max"),
  return_type_mismatch: (input, { extra_info, details }) => {
    const wanted = extra_info?.input_config?.[0];
    const given = extra_info?.received_type;
    return wanted && given
      ? `${input} takes ${wanted}, and ${given} is connected to it.`
      : `${input} is connected to something else than it takes: ${details}.`;
  },
  // Ours are sentences: "input - sentence".
  custom_validation_failed: (_, { details }) => details.replace(/^[\w.]+ - /, ""),
  exception_during_inner_validation: (_, { details }) => details,
};

/**
 * @param {Reason} reason
 * @returns {string}
 */
export function sentenceOf(reason) {
  const input = `“${reason.extra_info?.input_name ?? reason.details}”`;
  const say = SENTENCES[reason.type];
  return shortened(say ? say(input, reason) : [reason.message, reason.details].join(": "));
}

/**
 * What a node said when it failed; its traceback is in ComfyUI's own report.
 * @param {{ exception_message?: string, exception_type?: string }} failure
 */
export function sentenceOfFailure({ exception_message, exception_type }) {
  return shortened((exception_message ?? "").trim() || `The node ended with ${exception_type}.`);
}

/**
 * @param {string} word
 * @param {"min" | "max"} key
 * @returns {(input: string, reason: Reason) => string}
 */
function bound(word, key) {
  return (input, { extra_info, message }) => {
    const limit = extra_info?.input_config?.[1]?.[key];
    return limit === undefined
      ? `${input}: ${message}.`
      : `${input} is ${extra_info?.received_value}, and the ${word} is ${limit}.`;
  };
}

/** @param {string} text */
function shortened(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1).trimEnd()}…` : text;
}

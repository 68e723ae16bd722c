/**
 * When the server has refused a graph. ComfyUI tells extensions of runs and not of refusals: it
 * keeps the answer for its own marks on the nodes. So we look at those when a request has ended.
 */

const LOOKS = [0, 50, 200, 800, 2000]; // ms after the answer: the page reads it first

/**
 * Call `report` with every new set of errors.
 * @param {() => any} read  errors by node, as ComfyUI keeps them; null when there are none
 * @param {(errors: Record<string, any>) => void} report
 */
export function onRefusal(read, report) {
  let seen = read();
  const look = () => {
    const errors = read();
    if (errors === seen) return;
    seen = errors;
    if (errors && Object.keys(errors).length) report(errors);
  };
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(({ name }) => isPrompt(name)))
      for (const milliseconds of LOOKS) setTimeout(look, milliseconds);
  });
  observer.observe({ type: "resource" });
}

/** @param {string} address */
export function isPrompt(address) {
  return new URL(address).pathname.endsWith("/prompt");
}

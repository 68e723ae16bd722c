/** Style sheets that come with the first piece of page that needs them. */

/**
 * Put a style sheet into the page, once for each id.
 * @param {Document} document
 * @param {string} id
 * @param {string} rules
 */
export function addStyle(document, id, rules) {
  if (document.getElementById(id)) return;
  const sheet = document.createElement("style");
  sheet.id = id;
  sheet.textContent = rules;
  document.head.append(sheet);
}

/** The access token of a protected service. */

import { find, setText } from "./dom.js";

const STORAGE_KEY = "convserve-token";

/** The entered token; it is kept until the tab is closed. */
export const readToken = () => sessionStorage.getItem(STORAGE_KEY);

/** @type {Promise<void>|null} */
let submitted = null;

/** Shows the token form. Requests wait for it, so nothing on the page is lost. @returns {Promise<void>} when a token is submitted */
export function askForToken(message) {
  const form = find("#token-form");
  setText(find("#token-error"), message);
  submitted ??= new Promise((resolve) => {
    form.hidden = false;
    find("#token").focus();
    form.onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(STORAGE_KEY, find("#token").value.trim());
      form.hidden = true;
      submitted = null;
      resolve();
    };
  });
  return submitted;
}

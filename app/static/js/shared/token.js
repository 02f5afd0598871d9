/** The access token of a protected service. */

import { find, setText } from "./dom.js";

const STORAGE_KEY = "convserve-token";

/** The entered token; it is kept until the tab is closed. */
export const readToken = () => sessionStorage.getItem(STORAGE_KEY);

/** Shows the token form. A submitted token reloads the page; the address keeps all settings. */
export function showTokenForm(message) {
  const form = find("#token-form");
  form.hidden = false;
  setText(find("#token-error"), message);
  form.onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(STORAGE_KEY, find("#token").value.trim());
    location.reload();
  };
}

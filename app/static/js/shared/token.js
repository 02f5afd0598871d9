import { find, say } from "./dom.js";

const KEY = "convserve-token";

/** What was typed in; kept for this tab, until it is closed. */
export const readToken = () => sessionStorage.getItem(KEY);

/** Shows the field for a token. With one, the page begins anew: its address has all that was set. */
export function askForToken(message) {
  const form = find("#token-form");
  form.hidden = false;
  say(find("#token-error"), message);
  form.onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, find("#token").value.trim());
    location.reload();
  };
}

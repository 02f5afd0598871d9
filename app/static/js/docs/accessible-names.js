/** Completes what Swagger UI draws on /docs for assistive technology: it has no option for any of this. */

const CHANGES = {
  // A link within a button. The button opens the operation and sets the address, as the link does.
  ".opblock-summary-control a[href]": (link) => link.removeAttribute("href"),
  ".copy-to-clipboard > button:not([aria-label])": (button) => button.setAttribute("aria-label", "Copy"),
  ".responses-inner img:not([alt])": (image) => image.setAttribute("alt", "The image of the response"),
};

const root = document.querySelector("#swagger-ui");
new MutationObserver(() => {
  for (const [selector, change] of Object.entries(CHANGES)) for (const element of root.querySelectorAll(selector)) change(element);
}).observe(root, { childList: true, subtree: true });

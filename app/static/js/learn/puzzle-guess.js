import { find, make, setText } from "../shared/dom.js";

/**
 * The question of a puzzle, with four names to choose from. An easy puzzle has none: its weights would tell the name.
 * @param {HTMLElement} root @param {import("./kernel-puzzle.js").Puzzle} puzzle
 * @param {() => void} onSolved the user named the kernel, or asked for the answer
 */
export function drawGuesses(root, { hidden, choices, isEasy }, onSolved) {
  const answer = make("span", { id: "guessed", role: "status" });
  const guess = (name) => (event) => {
    for (const button of root.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === event.target));
    setText(answer, name === hidden ? `Correct: ${name}.` : `No, it is not ${name}.`);
    if (name === hidden) onSolved();
  };
  const showAnswer = () => {
    setText(answer, `The kernel is ${hidden}.`);
    onSolved();
  };
  root.hidden = false;
  root.replaceChildren(make("b", {}, isEasy ? "Which weight is missing?" : "Which kernel is it?"),
    ...(isEasy ? [] : choices).map((name) => make("button", { type: "button", class: "small choice-of-kernel", onclick: guess(name) }, name)),
    make("button", { type: "button", class: "small", id: "show-answer", onclick: showAnswer }, "Show the answer"), answer);
}

/** The user's own kernel makes the target. @param {HTMLElement} root @param {import("./kernel-puzzle.js").Puzzle} puzzle */
export function praiseWeights(root, { hidden }) {
  setText(find("#guessed", root), `Your kernel makes the target. It is ${hidden}.`);
}

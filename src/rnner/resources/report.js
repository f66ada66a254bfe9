"use strict";
// Filters the errors of each system by kind, types and text. Without this script, all of them are shown.

const SECONDS_OF_TYPING = 0.15;

function wordsOf(line) {
  // The first node of a mark has its words, the second its type.
  const parts = Array.from(line.childNodes, (node) => (node.data ?? node.firstChild.data));
  return parts.join("").normalize("NFKC").toLowerCase();
}

function number(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

for (const section of document.querySelectorAll(".errors")) {
  const form = section.querySelector("form");
  if (!form) continue;
  const status = section.querySelector("[role=status]");
  const sentences = Array.from(section.querySelectorAll("article"), (node) => ({
    node,
    errors: Array.from(node.querySelectorAll("li")),
    words: null,
  }));
  const all = sentences.reduce((sum, sentence) => sum + sentence.errors.length, 0);
  let timer = 0;

  function fits(error) {
    return ["kind", "gold", "found"].every(
      (name) => !form.elements[name].value || form.elements[name].value === error.dataset[name]
    );
  }

  function filter() {
    clearTimeout(timer);
    const text = form.elements.text.value.normalize("NFKC").toLowerCase().trim();
    let errors = 0;
    let shown = 0;
    for (const sentence of sentences) {
      if (text) sentence.words ??= wordsOf(sentence.node.querySelector(".text"));
      const found = !text || sentence.words.includes(text);
      let fitting = 0;
      for (const error of found ? sentence.errors : []) {
        error.hidden = !fits(error);
        fitting += !error.hidden;
      }
      sentence.node.hidden = !fitting;
      errors += fitting;
      shown += fitting > 0;
    }
    status.textContent =
      errors === all
        ? `${number(errors, "error")} in ${number(shown, "sentence")}`
        : `${errors.toLocaleString("en")} of ${number(all, "error")}, in ${number(shown, "sentence")}`;
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(filter, event.target.name === "text" ? 1000 * SECONDS_OF_TYPING : 0);
  });
  for (const link of section.closest(".system").querySelectorAll(".matrix a")) {
    link.addEventListener("click", () => {
      form.reset();
      form.elements.gold.value = link.dataset.gold;
      form.elements.found.value = link.dataset.found;
      filter();
    });
  }
}

// Names and keyboard access for parts that Material creates without them.
function repair() {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  for (const node of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
    node.tabIndex = 0;
  }
  for (const node of document.querySelectorAll(".md-code__nav:not([role])")) {
    node.setAttribute("role", "none"); // not a landmark for each code block
  }
}

repair();
new MutationObserver(repair).observe(document.body, { childList: true, subtree: true });

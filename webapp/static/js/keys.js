// Keyboard: "/" or Ctrl+K search, "?" the list of shortcuts, "g" then a letter to go somewhere (data-key on navigation links).
(() => {
  let went = 0;
  const typing = (element) => element.isContentEditable || /^(input|textarea|select)$/i.test(element.tagName);
  const palette = document.getElementById("palette");

  function openSearch() {
    const input = palette?.querySelector("[data-palette-input]");
    if (!input) return document.querySelector("[data-search]")?.focus();
    if (!palette.open) palette.showModal();
    input.focus();
    input.select();
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k" && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      return openSearch();
    }
    if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (typing(event.target)) {
      if (event.key === "Escape" && event.target.matches("[data-search]")) event.target.blur();
      return;
    }
    const afterG = Date.now() - went < 1200;
    went = 0;
    if (afterG) {
      const link = [...document.querySelectorAll("[data-key]")].find((a) => a.dataset.key === event.key);
      if (link) {
        event.preventDefault();
        link.click();
      }
    } else if (event.key === "g") {
      went = Date.now();
    } else if (event.key === "/") {
      event.preventDefault();
      openSearch();
    } else if (event.key === "?") {
      document.getElementById("keys")?.showModal();
    }
  });

  // --- The palette: results of the server, and the pages of the navigation, chosen with the arrows ---------
  if (!palette) return;
  const input = palette.querySelector("[data-palette-input]");
  const hits = () => [...palette.querySelectorAll("[data-hit]")].filter((hit) => hit.offsetParent);

  /** Pages whose name holds the words stand first; they need no server. */
  function showPages() {
    const words = input.value.trim().toLowerCase();
    for (const page of palette.querySelectorAll("[data-page]")) {
      page.hidden = Boolean(words) && !page.textContent.toLowerCase().includes(words);
    }
    const list = palette.querySelector("[data-pages]");
    list.hidden = ![...list.querySelectorAll("[data-page]")].some((page) => !page.hidden);
  }

  input.addEventListener("input", showPages);
  palette.addEventListener("keydown", (event) => {
    const all = hits();
    const at = all.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const to = event.key === "ArrowDown" ? at + 1 : at - 1;
      to < 0 ? input.focus() : all[Math.min(to, all.length - 1)]?.focus();
    } else if (event.key === "Enter" && document.activeElement === input && all.length) {
      event.preventDefault();
      all[0].click();
    }
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-palette-open]");
    if (!opener) return;
    event.preventDefault();
    openSearch();
  });
  showPages();
})();

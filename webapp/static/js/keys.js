// Keyboard: "/" search, "?" the list of shortcuts, "g" then a letter to go somewhere (data-key on navigation links).
(() => {
  let went = 0;
  const typing = (element) => element.isContentEditable || /^(input|textarea|select)$/i.test(element.tagName);

  document.addEventListener("keydown", (event) => {
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
      const search = [...document.querySelectorAll("[data-search]")].find((input) => input.offsetParent);
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    } else if (event.key === "?") {
      document.getElementById("keys")?.showModal();
    }
  });
})();

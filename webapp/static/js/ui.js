// What needs no server: copy, reveal, tabs, menus, dialogs, confirmations, times.
// One listener per kind on the document, so that content swapped in later works at once.
(() => {
  const closest = (event, selector) => event.target.closest?.(selector);
  const announce = (text) => {
    const line = document.getElementById("announce");
    if (line) line.textContent = text;
  };

  // --- Copy ---------------------------------------------------------------------------------------
  function swapIcon(button, name, title) {
    const use = button.querySelector("use");
    const before = use.getAttribute("href");
    use.setAttribute("href", before.replace(/#.*/, `#${name}`));
    if (title) button.title = title;
  }

  async function writeClipboard(text) {
    if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // plain http has no clipboard API
    area.value = text;
    area.className = "visually-hidden";
    (document.querySelector("dialog[open]") || document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("copy refused");
  }

  async function copy(button) {
    const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    try {
      await writeClipboard(source ? source.textContent.trim() : button.dataset.copy);
    } catch {
      document.dispatchEvent(
        new CustomEvent("flash", { detail: { level: "error", message: "The browser did not allow copying. Select the text instead." } }),
      );
      return;
    }
    button.classList.add("is-done");
    swapIcon(button, "check");
    announce("Copied");
    button.focus();
    setTimeout(() => {
      button.classList.remove("is-done");
      swapIcon(button, "copy");
    }, 1400);
  }

  function toggleSecret(button) {
    const open = button.closest("[data-secret]").classList.toggle("is-open");
    button.setAttribute("aria-pressed", String(open));
    const label = button.getAttribute("aria-label").replace(/^\w+/, open ? "Hide" : "Reveal");
    button.setAttribute("aria-label", label);
    swapIcon(button, open ? "eye-off" : "eye", label);
  }

  // --- Tabs ---------------------------------------------------------------------------------------
  function selectTab(tab, focus) {
    const holder = tab.closest("[data-tabs]");
    for (const other of holder.querySelectorAll(":scope > .tabs__list > [role=tab]")) {
      const on = other === tab;
      other.setAttribute("aria-selected", String(on));
      on ? other.removeAttribute("tabindex") : other.setAttribute("tabindex", "-1");
      document.getElementById(other.getAttribute("aria-controls"))?.toggleAttribute("data-active", on);
    }
    if (focus) tab.focus();
  }

  const tabName = (tab) => tab.hash.slice(tab.closest("[data-tabs]").id.length + 2);

  function selectInGroup(tab) {
    const group = tab.closest("[data-tabs-group]")?.dataset.tabsGroup;
    if (!group) return history.replaceState(history.state, "", tab.hash);
    const name = tabName(tab);
    for (const other of document.querySelectorAll(`[data-tabs-group="${group}"] [role=tab]`)) {
      if (other !== tab && tabName(other) === name) selectTab(other);
    }
    try {
      localStorage.setItem(`postbridge.tab.${group}`, name);
    } catch {
      /* the choice is kept for this page only */
    }
  }

  function restoreTabs(root) {
    for (const holder of root.querySelectorAll("[data-tabs-group] [data-tabs]")) {
      let name;
      try {
        name = localStorage.getItem(`postbridge.tab.${holder.parentElement.dataset.tabsGroup}`);
      } catch {
        return;
      }
      const tab = name && [...holder.querySelectorAll("[role=tab]")].find((t) => tabName(t) === name);
      if (tab) selectTab(tab);
    }
    if (location.hash.length > 1) {
      const tab = document.getElementById(`${decodeURIComponent(location.hash.slice(1))}-tab`);
      if (tab?.getAttribute("role") === "tab" && root.contains(tab)) selectTab(tab);
    }
  }

  document.addEventListener("keydown", (event) => {
    const list = closest(event, "[role=tablist]");
    if (list && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      const all = [...list.querySelectorAll("[role=tab]")];
      const at = all.indexOf(document.activeElement);
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
      const tab = all[(to + all.length) % all.length];
      selectTab(tab, true);
      selectInGroup(tab);
      event.preventDefault();
    }
    const menu = closest(event, "[data-menu]");
    if (menu && ["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) {
      const items = [...menu.querySelectorAll(".menu__item:not(:disabled)")];
      const at = items.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
      items[(to + items.length) % items.length]?.focus();
      event.preventDefault();
    }
  });

  // --- Menus: put beside their button, kept inside the window --------------------------------------
  function place(menu) {
    const from = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`).getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const below = from.bottom + 4 + height <= innerHeight || from.top < height;
    menu.style.top = `${below ? from.bottom + 4 : from.top - height - 4}px`;
    menu.style.left = `${Math.max(8, Math.min(from.right - width, innerWidth - width - 8))}px`;
  }
  document.addEventListener(
    "toggle",
    (event) => {
      const menu = event.target;
      if (!menu.matches?.("[data-menu]") || event.newState !== "open") return;
      place(menu);
      menu.querySelector(".menu__item")?.focus({ preventScroll: true });
    },
    true,
  );
  const placeOpen = () => document.querySelectorAll("[data-menu]:popover-open").forEach(place);
  addEventListener("scroll", placeOpen, { passive: true, capture: true });
  addEventListener("resize", placeOpen, { passive: true });

  // --- Dialogs and confirmations -------------------------------------------------------------------
  function openDialog(id) {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    dialog.showModal();
    dialog.querySelector("[autofocus], .input, .select, .textarea")?.focus();
  }

  /** Ask in the shared dialog. Resolves to true when the person said yes (and typed the name, when one is asked for). */
  function ask({ question, name, label }) {
    const dialog = document.getElementById("confirm");
    if (!dialog) return Promise.resolve(window.confirm(question));
    const yes = dialog.querySelector("[data-confirm-yes]");
    const input = dialog.querySelector("#confirm-name");
    dialog.querySelector("#confirm-text").textContent = question;
    dialog.querySelector("[data-confirm-field]").hidden = !name;
    dialog.querySelector("[data-confirm-shown]").textContent = name || "";
    input.value = "";
    const check = () => (yes.disabled = Boolean(name) && input.value.trim() !== name);
    input.oninput = check;
    input.onkeydown = (event) => {
      if (event.key !== "Enter") return; // else it would press the first button, which is Cancel
      event.preventDefault();
      if (!yes.disabled) dialog.close("yes");
    };
    check();
    yes.textContent = label || "Confirm";
    dialog.returnValue = "";
    dialog.showModal();
    (name ? input : dialog.querySelector("[value=no]")).focus();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" && !yes.disabled), { once: true });
    });
  }

  const asked = new WeakSet();
  function guard(event, element, again) {
    if (asked.delete(element)) return; // this is the second pass, after a yes
    event.preventDefault();
    event.stopImmediatePropagation();
    ask({ question: element.dataset.confirm, name: element.dataset.confirmName, label: element.dataset.confirmLabel }).then((yes) => {
      if (!yes) return;
      asked.add(element);
      again();
    });
  }
  // In the capture phase: before htmx, whose own listeners sit on the element.
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form.dataset.confirm) guard(event, form, () => form.requestSubmit(event.submitter));
    },
    true,
  );
  document.addEventListener(
    "click",
    (event) => {
      const element = closest(event, "[data-confirm]:not(form)");
      if (element) guard(event, element, () => element.click());
    },
    true,
  );

  document.addEventListener("click", (event) => {
    const button = closest(event, "[data-copy], [data-copy-from]");
    if (button) return copy(button);
    const eye = closest(event, "[data-secret-toggle]");
    if (eye) return toggleSecret(eye);
    const tab = closest(event, "[data-tabs] [role=tab]");
    if (tab) {
      event.preventDefault();
      selectTab(tab);
      return selectInGroup(tab);
    }
    const opener = closest(event, "[data-dialog-open]");
    if (opener) {
      opener.closest("[popover]")?.hidePopover();
      return openDialog(opener.dataset.dialogOpen);
    }
    if (closest(event, "[data-dialog-close]")) return event.target.closest("dialog")?.close();
    if (event.target.matches?.("dialog.dialog")) {
      const box = event.target.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!inside && event.clientX) event.target.close();
    }
    const item = closest(event, "[data-menu] .menu__item");
    if (item) item.closest("[data-menu]").hidePopover();
  });
  document.addEventListener("close-dialog", () => document.querySelector("dialog[open]")?.close());

  // The server counts days by the viewer's midnight when the tenant has chosen none.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax`;

  // --- Times ----------------------------------------------------------------------------------------
  function relative(then) {
    const seconds = Math.round((Date.now() - then) / 1000);
    const size = Math.abs(seconds);
    if (size < 45) return "just now";
    if (size >= 2592000) return null; // the server wrote the date
    const text = size < 3600 ? `${Math.max(1, Math.round(size / 60))} min` : size < 86400 ? `${Math.round(size / 3600)} h` : `${Math.round(size / 86400)} d`;
    return seconds < 0 ? `in ${text}` : `${text} ago`;
  }
  function refreshTimes() {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const text = relative(Date.parse(time.dateTime));
      if (text && time.textContent !== text) time.textContent = text;
    }
    for (const time of document.querySelectorAll("time[data-unix]")) {
      time.textContent = new Date(time.dataset.unix * 1000).toISOString().slice(0, 16).replace("T", " ");
      time.removeAttribute("data-unix");
    }
  }
  setInterval(() => document.hidden || refreshTimes(), 30000);

  function start(root) {
    restoreTabs(root);
    refreshTimes();
    for (const dialog of root.querySelectorAll("dialog[data-open]")) if (!dialog.open) dialog.showModal();
  }
  start(document);
  document.addEventListener("htmx:after:settle", (event) => start(event.target instanceof Element ? event.target.parentElement || event.target : document));
})();

// What concerns the server: messages of the moment, failed requests, focus after a swap, quiet polling.
(() => {
  const MAX_TOASTS = 4;
  const LINGER = { success: 5000, info: 5000, warning: 9000, error: 12000 };

  // --- Toasts: HX-Trigger: {"flash": {"level": ..., "message": ...}}, or the same event from a script ---
  function arm(toast, level) {
    let timer;
    const start = () => (timer = setTimeout(() => drop(toast), LINGER[level] || 6000));
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", start);
    toast.addEventListener("focusin", () => clearTimeout(timer));
    start();
  }

  function drop(toast) {
    toast.remove();
    const area = document.getElementById("toasts");
    if (area && !area.children.length && area.matches(":popover-open")) area.hidePopover();
  }

  function showArea(area) {
    // Shown again each time, so that it lies above a dialog opened since.
    if (area.matches(":popover-open")) area.hidePopover();
    area.showPopover();
  }

  function flash({ level = "info", message = "" } = {}) {
    const area = document.getElementById("toasts");
    const template = document.getElementById(`toast-${level}`) || document.getElementById("toast-info");
    if (!area || !template || !message) return;
    for (const old of area.children) if (old.querySelector(".toast__text").textContent === message) old.remove();
    const toast = template.content.firstElementChild.cloneNode(true);
    toast.querySelector(".toast__text").textContent = message; // text, never markup: it may quote the outside
    while (area.children.length >= MAX_TOASTS) area.firstElementChild.remove();
    showArea(area);
    area.append(toast);
    const line = document.getElementById("announce");
    if (line) line.textContent = message;
    arm(toast, level);
  }

  document.addEventListener("flash", (event) => flash(event.detail));
  document.addEventListener("click", (event) => {
    const close = event.target.closest?.("[data-toast-close]");
    if (close) drop(close.closest("[data-toast]"));
  });
  const first = document.getElementById("toasts");
  if (first?.children.length) {
    showArea(first);
    for (const toast of first.children) arm(toast, toast.className.match(/toast--(\w+)/)?.[1]);
  }

  // --- Failed requests ---------------------------------------------------------------------------------
  const REASONS = {
    400: "The server could not read that. Reload the page and try again.",
    401: "Your session has ended. Sign in again.",
    403: "Your role does not allow that.",
    404: "That no longer exists. Reload the page.",
    409: "It has changed since this page was loaded. Reload the page and try again.",
    413: "That is too large for this server.",
    429: "Too many requests. Wait a moment and try again.",
    503: "A part of the service is away. Try again in a moment.",
  };
  const isPoll = (ctx) => ["every", "load", "intersect"].includes(ctx?.sourceEvent?.type);

  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    const { status, headers } = ctx.response;
    if (status === 422 || headers.get("HX-Redirect") || headers.get("HX-Trigger")?.includes("flash")) return;
    if (isPoll(ctx) && status >= 500) return; // the next round may well succeed
    flash({ level: "error", message: REASONS[status] || `The server answered with an error (${status}). Try again.` });
    if (status === 401) setTimeout(() => location.reload(), 1500);
  });
  document.addEventListener("htmx:error", (event) => {
    const { ctx, error } = event.detail;
    if (!ctx || isPoll(ctx) || error?.name === "AbortError") return;
    flash({ level: "error", message: "The server could not be reached. Check the connection and try again." });
  });

  // --- Polling: nothing is asked for while nobody looks ---------------------------------------------------
  document.addEventListener("htmx:config:request", (event) => {
    if (document.hidden && event.detail.ctx.sourceEvent?.type === "every") event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const poller of document.querySelectorAll('[hx-trigger*="every"]')) {
      poller.dispatchEvent(new CustomEvent("every"));
    }
  });

  // --- Focus: kept where it was when a swap replaced the focused element, or moved to what went wrong --------
  let focused = null;
  document.addEventListener("htmx:before:swap", () => {
    const at = document.activeElement;
    focused = at && at !== document.body ? { id: at.id, within: at.closest("[id]")?.id } : null;
  });
  document.addEventListener("htmx:after:swap", (event) => {
    // The target itself may be gone (outerHTML), so the summary is looked for in the page.
    const wrong = event.detail.ctx?.response?.status === 422 && document.querySelector("[data-focus]");
    if (wrong) {
      wrong.focus();
    } else if (focused && document.activeElement === document.body) {
      const same = focused.id && document.getElementById(focused.id);
      const near = focused.within && document.getElementById(focused.within);
      (same || near?.querySelector("button, a[href], input:not([type=hidden]), select, textarea"))?.focus({ preventScroll: true });
    }
    focused = null;
  });

  // A link within the main navigation closes the drawer of a phone.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("#sidebar a");
    const drawer = document.getElementById("sidebar");
    if (link && drawer.matches(":popover-open")) drawer.hidePopover();
  });
})();

// Runs before the first paint: sets the theme and marks that scripts run. Kept tiny because it blocks.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("postbridge.theme") || "auto";
    } catch {
      return "auto"; // storage may be forbidden
    }
  };
  const apply = () => {
    const choice = stored();
    root.dataset.themeChoice = choice;
    root.dataset.theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  apply();
  root.classList.add("js");
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);

  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const NAMES = { auto: "as the system", light: "light", dark: "dark" };
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-toggle]")) return;
    const next = NEXT[stored()];
    try {
      localStorage.setItem("postbridge.theme", next);
    } catch {
      return;
    }
    apply();
    const line = document.getElementById("announce");
    if (line) line.textContent = `Theme: ${NAMES[next]}`;
  });
})();

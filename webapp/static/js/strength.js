// A hint while a new password is typed. The server decides; this only says early what it will say.
(() => {
  const field = document.querySelector("[data-strength]");
  const help = field && document.getElementById(`${field.id}-help`);
  if (!help) return;
  const usual = help.textContent;
  const words = (text) => {
    if (!text) return usual;
    if (text.length < 12) return `${12 - text.length} more ${text.length === 11 ? "character" : "characters"}.`;
    if (new Set(text).size < 5) return "Use more different characters.";
    const bits = text.length * Math.log2(new Set(text).size + 1);
    return bits < 60 ? "Long enough, and still easy to guess: add a word." : bits < 90 ? "Good." : "Very good.";
  };
  field.addEventListener("input", () => (help.textContent = words(field.value)));
})();

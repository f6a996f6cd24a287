// The API console: Swagger UI over our own document, kept in this tab only. Fetched when the button is pressed, or when the address names an operation.
(() => {
  const holder = document.getElementById("api-console");
  const start = document.getElementById("console-start");
  const button = document.getElementById("console-open");

  /** Swagger UI's headings and landmarks as part of our page: no level left out, names for what has none. */
  function mendOutline() {
    for (const heading of holder.querySelectorAll("h3.opblock-tag")) heading.setAttribute("aria-level", "2");
    const head = holder.querySelector(".information-container");
    if (head && !head.hasAttribute("role")) {
      head.setAttribute("role", "region");
      head.setAttribute("aria-label", "About this API");
    }
    for (const select of holder.querySelectorAll("select:not([aria-label])")) select.setAttribute("aria-label", "Choice");
  }

  function load(element, attribute, address) {
    return new Promise((resolve, reject) => {
      element.onload = resolve;
      element.onerror = () => reject(new Error(`${address} could not be loaded`));
      element[attribute] = address;
      document.head.append(element);
    });
  }

  function sheet(address) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    return load(link, "href", address);
  }

  async function open() {
    button.disabled = true;
    button.textContent = "Loading …";
    try {
      await Promise.all([...holder.dataset.sheets.split(" ").map(sheet), load(document.createElement("script"), "src", holder.dataset.script)]);
    } catch (error) {
      button.disabled = false;
      button.textContent = `${error.message}. Try again`;
      return;
    }
    start.remove();
    new MutationObserver(mendOutline).observe(holder, { childList: true, subtree: true });
    window.SwaggerUIBundle({
      url: holder.dataset.document,
      domNode: holder,
      deepLinking: true,
      docExpansion: "none",
      defaultModelsExpandDepth: -1,
      persistAuthorization: false,
      validatorUrl: null,
    });
  }

  button.addEventListener("click", open);
  if (location.hash.startsWith("#/")) open();
})();

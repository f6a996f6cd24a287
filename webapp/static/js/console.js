// The API console: Swagger UI over our own document, kept in this tab only.
(() => {
  const holder = document.getElementById('api-console');

  /** Swagger UI's headings and landmarks as part of our page: no level left out, names for what has none. */
  function mendOutline() {
    for (const heading of holder.querySelectorAll('h3.opblock-tag')) heading.setAttribute('aria-level', '2');
    const head = holder.querySelector('.information-container');
    if (head && !head.hasAttribute('role')) {
      head.setAttribute('role', 'region');
      head.setAttribute('aria-label', 'About this API');
    }
    for (const select of holder.querySelectorAll('select:not([aria-label])')) select.setAttribute('aria-label', 'Choice');
  }

  new MutationObserver(mendOutline).observe(holder, { childList: true, subtree: true });
  window.SwaggerUIBundle({
    url: holder.dataset.document,
    domNode: holder,
    deepLinking: true,
    docExpansion: 'none',
    defaultModelsExpandDepth: -1,
    persistAuthorization: false,
    validatorUrl: null,
  });
})();

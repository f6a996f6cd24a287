// The API console: Swagger UI over our own document, kept in this tab only.
(() => {
  const holder = document.getElementById('api-console');
  window.SwaggerUIBundle({
    url: holder.dataset.document,
    domNode: holder,
    deepLinking: true,
    docExpansion: 'none',
    persistAuthorization: false,
    validatorUrl: null,
  });
})();

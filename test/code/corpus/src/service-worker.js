// expect: service-worker unfenced → left shared-cache
registerRoute(({ url }) => url.pathname.startsWith("/rest/v1"), new StaleWhileRevalidate({ cacheName: "api" }));

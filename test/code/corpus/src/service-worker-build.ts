// expect: service-worker unfenced → left shared-cache
export const options = {
  workbox: { runtimeCaching: [{ urlPattern: /\/rest\/v1\//, handler: "NetworkFirst" }] },
};

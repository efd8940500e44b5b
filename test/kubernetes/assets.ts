/** Where the real control plane's programs are, by envtest's convention; undefined when there are none. */
export const kubebuilderAssets = (): string | undefined => process.env.KUBEBUILDER_ASSETS || undefined;

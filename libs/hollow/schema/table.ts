/**
 * The fields of every kind that a hollow cluster serves, as Kubernetes 1.36 publishes them: one type a line,
 * `package.Name field:type …`. Types: s string, i int32, l int64, n number, b boolean, t time, m micro-time, y bytes,
 * q quantity, x int-or-string, o anything, `[T]` list, `{T}` map, else another line's name. `!` required; `~` written
 * by server-side apply as one piece (x-kubernetes-map-type: atomic); `[T](a,b)` a list keyed by a and b, `[T](set)` a
 * set; any other list is atomic.
 */
export const typeTable = `
apiextensions.CustomResourceConversion strategy:s! webhook:apiextensions.WebhookConversion
apiextensions.CustomResourceDefinition apiVersion:s kind:s metadata:meta.ObjectMeta spec:apiextensions.CustomResourceDefinitionSpec! status:apiextensions.CustomResourceDefinitionStatus
apiextensions.CustomResourceColumnDefinition description:s format:s jsonPath:s! name:s! priority:i type:s!
apiextensions.CustomResourceDefinitionCondition lastTransitionTime:t message:s observedGeneration:l reason:s status:s! type:s!
apiextensions.CustomResourceDefinitionNames categories:[s] kind:s! listKind:s plural:s! shortNames:[s] singular:s
apiextensions.CustomResourceDefinitionSpec conversion:apiextensions.CustomResourceConversion group:s! names:apiextensions.CustomResourceDefinitionNames! preserveUnknownFields:b scope:s! versions:[apiextensions.CustomResourceDefinitionVersion]!
apiextensions.CustomResourceDefinitionStatus acceptedNames:apiextensions.CustomResourceDefinitionNames conditions:[apiextensions.CustomResourceDefinitionCondition](type) observedGeneration:l storedVersions:[s]
apiextensions.CustomResourceDefinitionVersion additionalPrinterColumns:[apiextensions.CustomResourceColumnDefinition] deprecated:b deprecationWarning:s name:s! schema:apiextensions.CustomResourceValidation selectableFields:[apiextensions.SelectableField] served:b! storage:b! subresources:apiextensions.CustomResourceSubresources
apiextensions.CustomResourceSubresourceScale labelSelectorPath:s specReplicasPath:s! statusReplicasPath:s!
apiextensions.CustomResourceSubresources scale:apiextensions.CustomResourceSubresourceScale status:o
apiextensions.CustomResourceValidation openAPIV3Schema:apiextensions.JSONSchemaProps
apiextensions.ExternalDocumentation description:s url:s
apiextensions.JSONSchemaProps $ref:s $schema:s additionalItems:o additionalProperties:o allOf:[apiextensions.JSONSchemaProps] anyOf:[apiextensions.JSONSchemaProps] default:o definitions:{apiextensions.JSONSchemaProps} dependencies:o description:s enum:[o] example:o exclusiveMaximum:b exclusiveMinimum:b externalDocs:apiextensions.ExternalDocumentation format:s id:s items:o maxItems:l maxLength:l maxProperties:l maximum:n minItems:l minLength:l minProperties:l minimum:n multipleOf:n not:apiextensions.JSONSchemaProps nullable:b oneOf:[apiextensions.JSONSchemaProps] pattern:s patternProperties:{apiextensions.JSONSchemaProps} properties:{apiextensions.JSONSchemaProps} required:[s] title:s type:s uniqueItems:b x-kubernetes-embedded-resource:b x-kubernetes-int-or-string:b x-kubernetes-list-map-keys:[s] x-kubernetes-list-type:s x-kubernetes-map-type:s x-kubernetes-preserve-unknown-fields:b x-kubernetes-validations:[apiextensions.ValidationRule](rule)
apiextensions.SelectableField jsonPath:s!
apiextensions.ServiceReference name:s! namespace:s! path:s port:i
apiextensions.ValidationRule fieldPath:s message:s messageExpression:s optionalOldSelf:b reason:s rule:s!
apiextensions.WebhookClientConfig caBundle:y service:apiextensions.ServiceReference url:s
apiextensions.WebhookConversion clientConfig:apiextensions.WebhookClientConfig conversionReviewVersions:[s]!
apps.ControllerRevision apiVersion:s data:o kind:s metadata:meta.ObjectMeta revision:l!
apps.DaemonSet apiVersion:s kind:s metadata:meta.ObjectMeta spec:apps.DaemonSetSpec status:apps.DaemonSetStatus
apps.DaemonSetCondition lastTransitionTime:t message:s reason:s status:s! type:s!
apps.DaemonSetSpec minReadySeconds:i revisionHistoryLimit:i selector:meta.LabelSelector! template:core.PodTemplateSpec! updateStrategy:apps.DaemonSetUpdateStrategy
apps.DaemonSetStatus collisionCount:i conditions:[apps.DaemonSetCondition](type) currentNumberScheduled:i! desiredNumberScheduled:i! numberAvailable:i numberMisscheduled:i! numberReady:i! numberUnavailable:i observedGeneration:l updatedNumberScheduled:i
apps.DaemonSetUpdateStrategy rollingUpdate:apps.RollingUpdateDaemonSet type:s
apps.Deployment apiVersion:s kind:s metadata:meta.ObjectMeta spec:apps.DeploymentSpec status:apps.DeploymentStatus
apps.DeploymentCondition lastTransitionTime:t lastUpdateTime:t message:s reason:s status:s! type:s!
apps.DeploymentSpec minReadySeconds:i paused:b progressDeadlineSeconds:i replicas:i revisionHistoryLimit:i selector:meta.LabelSelector! strategy:apps.DeploymentStrategy template:core.PodTemplateSpec!
apps.DeploymentStatus availableReplicas:i collisionCount:i conditions:[apps.DeploymentCondition](type) observedGeneration:l readyReplicas:i replicas:i terminatingReplicas:i unavailableReplicas:i updatedReplicas:i
apps.DeploymentStrategy rollingUpdate:apps.RollingUpdateDeployment type:s
apps.ReplicaSet apiVersion:s kind:s metadata:meta.ObjectMeta spec:apps.ReplicaSetSpec status:apps.ReplicaSetStatus
apps.ReplicaSetCondition lastTransitionTime:t message:s reason:s status:s! type:s!
apps.ReplicaSetSpec minReadySeconds:i replicas:i selector:meta.LabelSelector! template:core.PodTemplateSpec
apps.ReplicaSetStatus availableReplicas:i conditions:[apps.ReplicaSetCondition](type) fullyLabeledReplicas:i observedGeneration:l readyReplicas:i replicas:i! terminatingReplicas:i
apps.RollingUpdateDaemonSet maxSurge:x maxUnavailable:x
apps.RollingUpdateDeployment maxSurge:x maxUnavailable:x
apps.RollingUpdateStatefulSetStrategy maxUnavailable:x partition:i
apps.StatefulSet apiVersion:s kind:s metadata:meta.ObjectMeta spec:apps.StatefulSetSpec status:apps.StatefulSetStatus
apps.StatefulSetCondition lastTransitionTime:t message:s reason:s status:s! type:s!
apps.StatefulSetOrdinals start:i
apps.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted:s whenScaled:s
apps.StatefulSetSpec minReadySeconds:i ordinals:apps.StatefulSetOrdinals persistentVolumeClaimRetentionPolicy:apps.StatefulSetPersistentVolumeClaimRetentionPolicy podManagementPolicy:s replicas:i revisionHistoryLimit:i selector:meta.LabelSelector! serviceName:s template:core.PodTemplateSpec! updateStrategy:apps.StatefulSetUpdateStrategy volumeClaimTemplates:[core.PersistentVolumeClaim]
apps.StatefulSetStatus availableReplicas:i collisionCount:i conditions:[apps.StatefulSetCondition](type) currentReplicas:i currentRevision:s observedGeneration:l readyReplicas:i replicas:i! updateRevision:s updatedReplicas:i
apps.StatefulSetUpdateStrategy rollingUpdate:apps.RollingUpdateStatefulSetStrategy type:s
autoscaling.ContainerResourceMetricSource container:s! name:s! target:autoscaling.MetricTarget!
autoscaling.ContainerResourceMetricStatus container:s! current:autoscaling.MetricValueStatus! name:s!
autoscaling.CrossVersionObjectReference apiVersion:s kind:s! name:s!
autoscaling.ExternalMetricSource metric:autoscaling.MetricIdentifier! target:autoscaling.MetricTarget!
autoscaling.ExternalMetricStatus current:autoscaling.MetricValueStatus! metric:autoscaling.MetricIdentifier!
autoscaling.HPAScalingPolicy periodSeconds:i! type:s! value:i!
autoscaling.HPAScalingRules policies:[autoscaling.HPAScalingPolicy] selectPolicy:s stabilizationWindowSeconds:i tolerance:s
autoscaling.HorizontalPodAutoscaler apiVersion:s kind:s metadata:meta.ObjectMeta spec:autoscaling.HorizontalPodAutoscalerSpec! status:autoscaling.HorizontalPodAutoscalerStatus
autoscaling.HorizontalPodAutoscalerBehavior scaleDown:autoscaling.HPAScalingRules scaleUp:autoscaling.HPAScalingRules
autoscaling.HorizontalPodAutoscalerCondition lastTransitionTime:t message:s reason:s status:s! type:s!
autoscaling.HorizontalPodAutoscalerSpec behavior:autoscaling.HorizontalPodAutoscalerBehavior maxReplicas:i! metrics:[autoscaling.MetricSpec] minReplicas:i scaleTargetRef:autoscaling.CrossVersionObjectReference!
autoscaling.HorizontalPodAutoscalerStatus conditions:[autoscaling.HorizontalPodAutoscalerCondition](type) currentMetrics:[autoscaling.MetricStatus] currentReplicas:i desiredReplicas:i! lastScaleTime:t observedGeneration:l
autoscaling.MetricIdentifier name:s! selector:meta.LabelSelector
autoscaling.MetricSpec containerResource:autoscaling.ContainerResourceMetricSource external:autoscaling.ExternalMetricSource object:autoscaling.ObjectMetricSource pods:autoscaling.PodsMetricSource resource:autoscaling.ResourceMetricSource type:s!
autoscaling.MetricStatus containerResource:autoscaling.ContainerResourceMetricStatus external:autoscaling.ExternalMetricStatus object:autoscaling.ObjectMetricStatus pods:autoscaling.PodsMetricStatus resource:autoscaling.ResourceMetricStatus type:s!
autoscaling.MetricTarget averageUtilization:i averageValue:q type:s! value:q
autoscaling.MetricValueStatus averageUtilization:i averageValue:q value:q
autoscaling.ObjectMetricSource describedObject:autoscaling.CrossVersionObjectReference! metric:autoscaling.MetricIdentifier! target:autoscaling.MetricTarget!
autoscaling.ObjectMetricStatus current:autoscaling.MetricValueStatus! describedObject:autoscaling.CrossVersionObjectReference! metric:autoscaling.MetricIdentifier!
autoscaling.PodsMetricSource metric:autoscaling.MetricIdentifier! target:autoscaling.MetricTarget!
autoscaling.PodsMetricStatus current:autoscaling.MetricValueStatus! metric:autoscaling.MetricIdentifier!
autoscaling.ResourceMetricSource name:s! target:autoscaling.MetricTarget!
autoscaling.ResourceMetricStatus current:autoscaling.MetricValueStatus! name:s!
autoscalingv1.Scale apiVersion:s kind:s metadata:meta.ObjectMeta spec:autoscalingv1.ScaleSpec status:autoscalingv1.ScaleStatus
autoscalingv1.ScaleSpec replicas:i
autoscalingv1.ScaleStatus replicas:i! selector:s
batch.CronJob apiVersion:s kind:s metadata:meta.ObjectMeta spec:batch.CronJobSpec! status:batch.CronJobStatus
batch.CronJobSpec concurrencyPolicy:s failedJobsHistoryLimit:i jobTemplate:batch.JobTemplateSpec! schedule:s! startingDeadlineSeconds:l successfulJobsHistoryLimit:i suspend:b timeZone:s
batch.CronJobStatus active:[core.ObjectReference] lastScheduleTime:t lastSuccessfulTime:t
batch.Job apiVersion:s kind:s metadata:meta.ObjectMeta spec:batch.JobSpec status:batch.JobStatus
batch.JobCondition lastProbeTime:t lastTransitionTime:t message:s reason:s status:s! type:s!
batch.JobSpec activeDeadlineSeconds:l backoffLimit:i backoffLimitPerIndex:i completionMode:s completions:i managedBy:s manualSelector:b maxFailedIndexes:i parallelism:i podFailurePolicy:batch.PodFailurePolicy podReplacementPolicy:s selector:meta.LabelSelector successPolicy:batch.SuccessPolicy suspend:b template:core.PodTemplateSpec! ttlSecondsAfterFinished:i
batch.JobStatus active:i completedIndexes:s completionTime:t conditions:[batch.JobCondition] failed:i failedIndexes:s ready:i startTime:t succeeded:i terminating:i uncountedTerminatedPods:batch.UncountedTerminatedPods
batch.JobTemplateSpec metadata:meta.ObjectMeta spec:batch.JobSpec
batch.PodFailurePolicy rules:[batch.PodFailurePolicyRule]!
batch.PodFailurePolicyOnExitCodesRequirement containerName:s operator:s! values:[i](set)!
batch.PodFailurePolicyOnPodConditionsPattern status:s type:s!
batch.PodFailurePolicyRule action:s! onExitCodes:batch.PodFailurePolicyOnExitCodesRequirement onPodConditions:[batch.PodFailurePolicyOnPodConditionsPattern]
batch.SuccessPolicy rules:[batch.SuccessPolicyRule]!
batch.SuccessPolicyRule succeededCount:i succeededIndexes:s
batch.UncountedTerminatedPods failed:[s](set) succeeded:[s](set)
coordination.Lease apiVersion:s kind:s metadata:meta.ObjectMeta spec:coordination.LeaseSpec
coordination.LeaseSpec acquireTime:m holderIdentity:s leaseDurationSeconds:i leaseTransitions:i preferredHolder:s renewTime:m strategy:s
core.AWSElasticBlockStoreVolumeSource fsType:s partition:i readOnly:b volumeID:s!
core.Affinity nodeAffinity:core.NodeAffinity podAffinity:core.PodAffinity podAntiAffinity:core.PodAntiAffinity
core.AppArmorProfile localhostProfile:s type:s!
core.AttachedVolume devicePath:s! name:s!
core.AzureDiskVolumeSource cachingMode:s diskName:s! diskURI:s! fsType:s kind:s readOnly:b
core.AzureFileVolumeSource readOnly:b secretName:s! shareName:s!
core.CSIVolumeSource driver:s! fsType:s nodePublishSecretRef:core.LocalObjectReference readOnly:b volumeAttributes:{s}
core.Capabilities add:[s] drop:[s]
core.CephFSVolumeSource monitors:[s]! path:s readOnly:b secretFile:s secretRef:core.LocalObjectReference user:s
core.CinderVolumeSource fsType:s readOnly:b secretRef:core.LocalObjectReference volumeID:s!
core.ClientIPConfig timeoutSeconds:i
core.ClusterTrustBundleProjection labelSelector:meta.LabelSelector name:s optional:b path:s! signerName:s
core.ConfigMap apiVersion:s binaryData:{y} data:{s} immutable:b kind:s metadata:meta.ObjectMeta
core.ConfigMapEnvSource name:s optional:b
core.ConfigMapKeySelector~ key:s! name:s optional:b
core.ConfigMapNodeConfigSource kubeletConfigKey:s! name:s! namespace:s! resourceVersion:s uid:s
core.ConfigMapProjection items:[core.KeyToPath] name:s optional:b
core.ConfigMapVolumeSource defaultMode:i items:[core.KeyToPath] name:s optional:b
core.Container args:[s] command:[s] env:[core.EnvVar](name) envFrom:[core.EnvFromSource] image:s imagePullPolicy:s lifecycle:core.Lifecycle livenessProbe:core.Probe name:s! ports:[core.ContainerPort](containerPort,protocol) readinessProbe:core.Probe resizePolicy:[core.ContainerResizePolicy] resources:core.ResourceRequirements restartPolicy:s restartPolicyRules:[core.ContainerRestartRule] securityContext:core.SecurityContext startupProbe:core.Probe stdin:b stdinOnce:b terminationMessagePath:s terminationMessagePolicy:s tty:b volumeDevices:[core.VolumeDevice](devicePath) volumeMounts:[core.VolumeMount](mountPath) workingDir:s
core.ContainerExtendedResourceRequest containerName:s! requestName:s! resourceName:s!
core.ContainerImage names:[s] sizeBytes:l
core.ContainerPort containerPort:i! hostIP:s hostPort:i name:s protocol:s
core.ContainerResizePolicy resourceName:s! restartPolicy:s!
core.ContainerRestartRule action:s! exitCodes:core.ContainerRestartRuleOnExitCodes
core.ContainerRestartRuleOnExitCodes operator:s! values:[i]
core.ContainerState running:core.ContainerStateRunning terminated:core.ContainerStateTerminated waiting:core.ContainerStateWaiting
core.ContainerStateRunning startedAt:t
core.ContainerStateTerminated containerID:s exitCode:i! finishedAt:t message:s reason:s signal:i startedAt:t
core.ContainerStateWaiting message:s reason:s
core.ContainerStatus allocatedResources:{q} allocatedResourcesStatus:[core.ResourceStatus] containerID:s image:s! imageID:s! lastState:core.ContainerState name:s! ready:b! resources:core.ResourceRequirements restartCount:i! started:b state:core.ContainerState stopSignal:s user:core.ContainerUser volumeMounts:[core.VolumeMountStatus](mountPath)
core.ContainerUser linux:core.LinuxContainerUser
core.DaemonEndpoint Port:i!
core.DownwardAPIProjection items:[core.DownwardAPIVolumeFile]
core.DownwardAPIVolumeFile fieldRef:core.ObjectFieldSelector mode:i path:s! resourceFieldRef:core.ResourceFieldSelector
core.DownwardAPIVolumeSource defaultMode:i items:[core.DownwardAPIVolumeFile]
core.EmptyDirVolumeSource medium:s sizeLimit:q
core.EnvFromSource configMapRef:core.ConfigMapEnvSource prefix:s secretRef:core.SecretEnvSource
core.EnvVar name:s! value:s valueFrom:core.EnvVarSource
core.EnvVarSource configMapKeyRef:core.ConfigMapKeySelector fieldRef:core.ObjectFieldSelector fileKeyRef:core.FileKeySelector resourceFieldRef:core.ResourceFieldSelector secretKeyRef:core.SecretKeySelector
core.EphemeralContainer args:[s] command:[s] env:[core.EnvVar](name) envFrom:[core.EnvFromSource] image:s imagePullPolicy:s lifecycle:core.Lifecycle livenessProbe:core.Probe name:s! ports:[core.ContainerPort](containerPort,protocol) readinessProbe:core.Probe resizePolicy:[core.ContainerResizePolicy] resources:core.ResourceRequirements restartPolicy:s restartPolicyRules:[core.ContainerRestartRule] securityContext:core.SecurityContext startupProbe:core.Probe stdin:b stdinOnce:b targetContainerName:s terminationMessagePath:s terminationMessagePolicy:s tty:b volumeDevices:[core.VolumeDevice](devicePath) volumeMounts:[core.VolumeMount](mountPath) workingDir:s
core.EphemeralVolumeSource volumeClaimTemplate:core.PersistentVolumeClaimTemplate
core.Event action:s apiVersion:s count:i eventTime:m firstTimestamp:t involvedObject:core.ObjectReference! kind:s lastTimestamp:t message:s metadata:meta.ObjectMeta! reason:s related:core.ObjectReference reportingComponent:s reportingInstance:s series:core.EventSeries source:core.EventSource type:s
core.EventSeries count:i lastObservedTime:m
core.EventSource component:s host:s
core.ExecAction command:[s]
core.FCVolumeSource fsType:s lun:i readOnly:b targetWWNs:[s] wwids:[s]
core.FileKeySelector~ key:s! optional:b path:s! volumeName:s!
core.FlexVolumeSource driver:s! fsType:s options:{s} readOnly:b secretRef:core.LocalObjectReference
core.FlockerVolumeSource datasetName:s datasetUUID:s
core.GCEPersistentDiskVolumeSource fsType:s partition:i pdName:s! readOnly:b
core.GRPCAction port:i! service:s
core.GitRepoVolumeSource directory:s repository:s! revision:s
core.GlusterfsVolumeSource endpoints:s! path:s! readOnly:b
core.HTTPGetAction host:s httpHeaders:[core.HTTPHeader] path:s port:x! scheme:s
core.HTTPHeader name:s! value:s!
core.HostAlias hostnames:[s] ip:s!
core.HostIP ip:s!
core.HostPathVolumeSource path:s! type:s
core.ISCSIVolumeSource chapAuthDiscovery:b chapAuthSession:b fsType:s initiatorName:s iqn:s! iscsiInterface:s lun:i! portals:[s] readOnly:b secretRef:core.LocalObjectReference targetPortal:s!
core.ImageVolumeSource pullPolicy:s reference:s
core.ImageVolumeStatus imageRef:s!
core.KeyToPath key:s! mode:i path:s!
core.Lifecycle postStart:core.LifecycleHandler preStop:core.LifecycleHandler stopSignal:s
core.LifecycleHandler exec:core.ExecAction httpGet:core.HTTPGetAction sleep:core.SleepAction tcpSocket:core.TCPSocketAction
core.LinuxContainerUser gid:l! supplementalGroups:[l] uid:l!
core.LoadBalancerIngress hostname:s ip:s ipMode:s ports:[core.PortStatus]
core.LoadBalancerStatus ingress:[core.LoadBalancerIngress]
core.LocalObjectReference~ name:s
core.ModifyVolumeStatus status:s! targetVolumeAttributesClassName:s
core.NFSVolumeSource path:s! readOnly:b server:s!
core.Namespace apiVersion:s kind:s metadata:meta.ObjectMeta spec:core.NamespaceSpec status:core.NamespaceStatus
core.NamespaceCondition lastTransitionTime:t message:s reason:s status:s! type:s!
core.NamespaceSpec finalizers:[s]
core.NamespaceStatus conditions:[core.NamespaceCondition](type) phase:s
core.Node apiVersion:s kind:s metadata:meta.ObjectMeta spec:core.NodeSpec status:core.NodeStatus
core.NodeAddress address:s! type:s!
core.NodeAffinity preferredDuringSchedulingIgnoredDuringExecution:[core.PreferredSchedulingTerm] requiredDuringSchedulingIgnoredDuringExecution:core.NodeSelector
core.NodeAllocatableResourceClaimStatus containers:[s] resourceClaimName:s! resources:{s}!
core.NodeCondition lastHeartbeatTime:t lastTransitionTime:t message:s reason:s status:s! type:s!
core.NodeConfigSource configMap:core.ConfigMapNodeConfigSource
core.NodeConfigStatus active:core.NodeConfigSource assigned:core.NodeConfigSource error:s lastKnownGood:core.NodeConfigSource
core.NodeDaemonEndpoints kubeletEndpoint:core.DaemonEndpoint
core.NodeFeatures supplementalGroupsPolicy:b
core.NodeRuntimeHandler features:core.NodeRuntimeHandlerFeatures name:s
core.NodeRuntimeHandlerFeatures recursiveReadOnlyMounts:b userNamespaces:b
core.NodeSelectorRequirement key:s! operator:s! values:[s]
core.NodeSelectorTerm~ matchExpressions:[core.NodeSelectorRequirement] matchFields:[core.NodeSelectorRequirement]
core.NodeSelector~ nodeSelectorTerms:[core.NodeSelectorTerm]!
core.NodeSpec configSource:core.NodeConfigSource externalID:s podCIDR:s podCIDRs:[s](set) providerID:s taints:[core.Taint] unschedulable:b
core.NodeStatus addresses:[core.NodeAddress](type) allocatable:{q} capacity:{q} conditions:[core.NodeCondition](type) config:core.NodeConfigStatus daemonEndpoints:core.NodeDaemonEndpoints declaredFeatures:[s] features:core.NodeFeatures images:[core.ContainerImage] nodeInfo:core.NodeSystemInfo phase:s runtimeHandlers:[core.NodeRuntimeHandler] volumesAttached:[core.AttachedVolume] volumesInUse:[s]
core.NodeSwapStatus capacity:l
core.NodeSystemInfo architecture:s! bootID:s! containerRuntimeVersion:s! kernelVersion:s! kubeProxyVersion:s! kubeletVersion:s! machineID:s! operatingSystem:s! osImage:s! swap:core.NodeSwapStatus systemUUID:s!
core.ObjectFieldSelector~ apiVersion:s fieldPath:s!
core.ObjectReference~ apiVersion:s fieldPath:s kind:s name:s namespace:s resourceVersion:s uid:s
core.PersistentVolumeClaim apiVersion:s kind:s metadata:meta.ObjectMeta spec:core.PersistentVolumeClaimSpec status:core.PersistentVolumeClaimStatus
core.PersistentVolumeClaimCondition lastProbeTime:t lastTransitionTime:t message:s reason:s status:s! type:s!
core.PersistentVolumeClaimSpec accessModes:[s] dataSource:core.TypedLocalObjectReference dataSourceRef:core.TypedObjectReference resources:core.VolumeResourceRequirements selector:meta.LabelSelector storageClassName:s volumeAttributesClassName:s volumeMode:s volumeName:s
core.PersistentVolumeClaimStatus accessModes:[s] allocatedResourceStatuses:{s} allocatedResources:{q} capacity:{q} conditions:[core.PersistentVolumeClaimCondition](type) currentVolumeAttributesClassName:s modifyVolumeStatus:core.ModifyVolumeStatus phase:s
core.PersistentVolumeClaimTemplate metadata:meta.ObjectMeta spec:core.PersistentVolumeClaimSpec!
core.PersistentVolumeClaimVolumeSource claimName:s! readOnly:b
core.PhotonPersistentDiskVolumeSource fsType:s pdID:s!
core.Pod apiVersion:s kind:s metadata:meta.ObjectMeta spec:core.PodSpec status:core.PodStatus
core.PodAffinity preferredDuringSchedulingIgnoredDuringExecution:[core.WeightedPodAffinityTerm] requiredDuringSchedulingIgnoredDuringExecution:[core.PodAffinityTerm]
core.PodAffinityTerm labelSelector:meta.LabelSelector matchLabelKeys:[s] mismatchLabelKeys:[s] namespaceSelector:meta.LabelSelector namespaces:[s] topologyKey:s!
core.PodAntiAffinity preferredDuringSchedulingIgnoredDuringExecution:[core.WeightedPodAffinityTerm] requiredDuringSchedulingIgnoredDuringExecution:[core.PodAffinityTerm]
core.PodCertificateProjection certificateChainPath:s credentialBundlePath:s keyPath:s keyType:s! maxExpirationSeconds:i signerName:s! userAnnotations:{s}
core.PodCondition lastProbeTime:t lastTransitionTime:t message:s observedGeneration:l reason:s status:s! type:s!
core.PodDNSConfig nameservers:[s] options:[core.PodDNSConfigOption] searches:[s]
core.PodDNSConfigOption name:s value:s
core.PodExtendedResourceClaimStatus requestMappings:[core.ContainerExtendedResourceRequest]! resourceClaimName:s!
core.PodIP ip:s!
core.PodOS name:s!
core.PodReadinessGate conditionType:s!
core.PodResourceClaim name:s! resourceClaimName:s resourceClaimTemplateName:s
core.PodResourceClaimStatus name:s! resourceClaimName:s
core.PodSchedulingGate name:s!
core.PodSchedulingGroup podGroupName:s
core.PodSecurityContext appArmorProfile:core.AppArmorProfile fsGroup:l fsGroupChangePolicy:s runAsGroup:l runAsNonRoot:b runAsUser:l seLinuxChangePolicy:s seLinuxOptions:core.SELinuxOptions seccompProfile:core.SeccompProfile supplementalGroups:[l] supplementalGroupsPolicy:s sysctls:[core.Sysctl] windowsOptions:core.WindowsSecurityContextOptions
core.PodSpec activeDeadlineSeconds:l affinity:core.Affinity automountServiceAccountToken:b containers:[core.Container](name)! dnsConfig:core.PodDNSConfig dnsPolicy:s enableServiceLinks:b ephemeralContainers:[core.EphemeralContainer](name) hostAliases:[core.HostAlias](ip) hostIPC:b hostNetwork:b hostPID:b hostUsers:b hostname:s hostnameOverride:s imagePullSecrets:[core.LocalObjectReference](name) initContainers:[core.Container](name) nodeName:s nodeSelector:{s}~ os:core.PodOS overhead:{q} preemptionPolicy:s priority:i priorityClassName:s readinessGates:[core.PodReadinessGate] resourceClaims:[core.PodResourceClaim](name) resources:core.ResourceRequirements restartPolicy:s runtimeClassName:s schedulerName:s schedulingGates:[core.PodSchedulingGate](name) schedulingGroup:core.PodSchedulingGroup securityContext:core.PodSecurityContext serviceAccount:s serviceAccountName:s setHostnameAsFQDN:b shareProcessNamespace:b subdomain:s terminationGracePeriodSeconds:l tolerations:[core.Toleration] topologySpreadConstraints:[core.TopologySpreadConstraint](topologyKey,whenUnsatisfiable) volumes:[core.Volume](name)
core.PodStatus allocatedResources:{q} conditions:[core.PodCondition](type) containerStatuses:[core.ContainerStatus] ephemeralContainerStatuses:[core.ContainerStatus] extendedResourceClaimStatus:core.PodExtendedResourceClaimStatus hostIP:s hostIPs:[core.HostIP] initContainerStatuses:[core.ContainerStatus] message:s nodeAllocatableResourceClaimStatuses:[core.NodeAllocatableResourceClaimStatus] nominatedNodeName:s observedGeneration:l phase:s podIP:s podIPs:[core.PodIP](ip) qosClass:s reason:s resize:s resourceClaimStatuses:[core.PodResourceClaimStatus](name) resources:core.ResourceRequirements startTime:t
core.PodTemplateSpec metadata:meta.ObjectMeta spec:core.PodSpec
core.PortStatus error:s port:i! protocol:s!
core.PortworxVolumeSource fsType:s readOnly:b volumeID:s!
core.PreferredSchedulingTerm preference:core.NodeSelectorTerm! weight:i!
core.Probe exec:core.ExecAction failureThreshold:i grpc:core.GRPCAction httpGet:core.HTTPGetAction initialDelaySeconds:i periodSeconds:i successThreshold:i tcpSocket:core.TCPSocketAction terminationGracePeriodSeconds:l timeoutSeconds:i
core.ProjectedVolumeSource defaultMode:i sources:[core.VolumeProjection]
core.QuobyteVolumeSource group:s readOnly:b registry:s! tenant:s user:s volume:s!
core.RBDVolumeSource fsType:s image:s! keyring:s monitors:[s]! pool:s readOnly:b secretRef:core.LocalObjectReference user:s
core.ResourceClaim name:s! request:s
core.ResourceFieldSelector~ containerName:s divisor:q resource:s!
core.ResourceHealth health:s message:s resourceID:s!
core.ResourceRequirements claims:[core.ResourceClaim](name) limits:{q} requests:{q}
core.ResourceStatus name:s! resources:[core.ResourceHealth]
core.SELinuxOptions level:s role:s type:s user:s
core.ScaleIOVolumeSource fsType:s gateway:s! protectionDomain:s readOnly:b secretRef:core.LocalObjectReference! sslEnabled:b storageMode:s storagePool:s system:s! volumeName:s
core.SeccompProfile localhostProfile:s type:s!
core.SecretEnvSource name:s optional:b
core.SecretKeySelector~ key:s! name:s optional:b
core.SecretProjection items:[core.KeyToPath] name:s optional:b
core.SecretVolumeSource defaultMode:i items:[core.KeyToPath] optional:b secretName:s
core.SecurityContext allowPrivilegeEscalation:b appArmorProfile:core.AppArmorProfile capabilities:core.Capabilities privileged:b procMount:s readOnlyRootFilesystem:b runAsGroup:l runAsNonRoot:b runAsUser:l seLinuxOptions:core.SELinuxOptions seccompProfile:core.SeccompProfile windowsOptions:core.WindowsSecurityContextOptions
core.Service apiVersion:s kind:s metadata:meta.ObjectMeta spec:core.ServiceSpec status:core.ServiceStatus
core.ServiceAccount apiVersion:s automountServiceAccountToken:b imagePullSecrets:[core.LocalObjectReference] kind:s metadata:meta.ObjectMeta secrets:[core.ObjectReference](name)
core.ServiceAccountTokenProjection audience:s expirationSeconds:l path:s!
core.ServicePort appProtocol:s name:s nodePort:i port:i! protocol:s targetPort:x
core.ServiceSpec allocateLoadBalancerNodePorts:b clusterIP:s clusterIPs:[s] externalIPs:[s] externalName:s externalTrafficPolicy:s healthCheckNodePort:i internalTrafficPolicy:s ipFamilies:[s] ipFamilyPolicy:s loadBalancerClass:s loadBalancerIP:s loadBalancerSourceRanges:[s] ports:[core.ServicePort](port,protocol) publishNotReadyAddresses:b selector:{s}~ sessionAffinity:s sessionAffinityConfig:core.SessionAffinityConfig trafficDistribution:s type:s
core.ServiceStatus conditions:[meta.Condition](type) loadBalancer:core.LoadBalancerStatus
core.SessionAffinityConfig clientIP:core.ClientIPConfig
core.SleepAction seconds:l!
core.StorageOSVolumeSource fsType:s readOnly:b secretRef:core.LocalObjectReference volumeName:s volumeNamespace:s
core.Sysctl name:s! value:s!
core.TCPSocketAction host:s port:x!
core.Taint effect:s! key:s! timeAdded:t value:s
core.Toleration effect:s key:s operator:s tolerationSeconds:l value:s
core.TopologySelectorLabelRequirement key:s! values:[s]!
core.TopologySelectorTerm~ matchLabelExpressions:[core.TopologySelectorLabelRequirement]
core.TopologySpreadConstraint labelSelector:meta.LabelSelector matchLabelKeys:[s] maxSkew:i! minDomains:i nodeAffinityPolicy:s nodeTaintsPolicy:s topologyKey:s! whenUnsatisfiable:s!
core.TypedLocalObjectReference~ apiGroup:s kind:s! name:s!
core.TypedObjectReference apiGroup:s kind:s! name:s! namespace:s
core.Volume awsElasticBlockStore:core.AWSElasticBlockStoreVolumeSource azureDisk:core.AzureDiskVolumeSource azureFile:core.AzureFileVolumeSource cephfs:core.CephFSVolumeSource cinder:core.CinderVolumeSource configMap:core.ConfigMapVolumeSource csi:core.CSIVolumeSource downwardAPI:core.DownwardAPIVolumeSource emptyDir:core.EmptyDirVolumeSource ephemeral:core.EphemeralVolumeSource fc:core.FCVolumeSource flexVolume:core.FlexVolumeSource flocker:core.FlockerVolumeSource gcePersistentDisk:core.GCEPersistentDiskVolumeSource gitRepo:core.GitRepoVolumeSource glusterfs:core.GlusterfsVolumeSource hostPath:core.HostPathVolumeSource image:core.ImageVolumeSource iscsi:core.ISCSIVolumeSource name:s! nfs:core.NFSVolumeSource persistentVolumeClaim:core.PersistentVolumeClaimVolumeSource photonPersistentDisk:core.PhotonPersistentDiskVolumeSource portworxVolume:core.PortworxVolumeSource projected:core.ProjectedVolumeSource quobyte:core.QuobyteVolumeSource rbd:core.RBDVolumeSource scaleIO:core.ScaleIOVolumeSource secret:core.SecretVolumeSource storageos:core.StorageOSVolumeSource vsphereVolume:core.VsphereVirtualDiskVolumeSource
core.VolumeDevice devicePath:s! name:s!
core.VolumeMount mountPath:s! mountPropagation:s name:s! readOnly:b recursiveReadOnly:s subPath:s subPathExpr:s
core.VolumeMountStatus mountPath:s! name:s! readOnly:b recursiveReadOnly:s volumeStatus:core.VolumeStatus
core.VolumeProjection clusterTrustBundle:core.ClusterTrustBundleProjection configMap:core.ConfigMapProjection downwardAPI:core.DownwardAPIProjection podCertificate:core.PodCertificateProjection secret:core.SecretProjection serviceAccountToken:core.ServiceAccountTokenProjection
core.VolumeResourceRequirements limits:{q} requests:{q}
core.VolumeStatus image:core.ImageVolumeStatus
core.VsphereVirtualDiskVolumeSource fsType:s storagePolicyID:s storagePolicyName:s volumePath:s!
core.WeightedPodAffinityTerm podAffinityTerm:core.PodAffinityTerm! weight:i!
core.WindowsSecurityContextOptions gmsaCredentialSpec:s gmsaCredentialSpecName:s hostProcess:b runAsUserName:s
meta.Condition lastTransitionTime:t! message:s! observedGeneration:l reason:s! status:s! type:s!
meta.LabelSelectorRequirement key:s! operator:s! values:[s]
meta.LabelSelector~ matchExpressions:[meta.LabelSelectorRequirement] matchLabels:{s}
meta.ManagedFieldsEntry apiVersion:s fieldsType:s fieldsV1:o manager:s operation:s subresource:s time:t
meta.ObjectMeta annotations:{s} creationTimestamp:t deletionGracePeriodSeconds:l deletionTimestamp:t finalizers:[s](set) generateName:s generation:l labels:{s} managedFields:[meta.ManagedFieldsEntry] name:s namespace:s ownerReferences:[meta.OwnerReference](uid) resourceVersion:s selfLink:s uid:s
meta.OwnerReference apiVersion:s! blockOwnerDeletion:b controller:b kind:s! name:s! uid:s!
networking.HTTPIngressPath backend:networking.IngressBackend! path:s pathType:s!
networking.HTTPIngressRuleValue paths:[networking.HTTPIngressPath]!
networking.IPBlock cidr:s! except:[s]
networking.Ingress apiVersion:s kind:s metadata:meta.ObjectMeta spec:networking.IngressSpec status:networking.IngressStatus
networking.IngressBackend resource:core.TypedLocalObjectReference service:networking.IngressServiceBackend
networking.IngressLoadBalancerIngress hostname:s ip:s ports:[networking.IngressPortStatus]
networking.IngressLoadBalancerStatus ingress:[networking.IngressLoadBalancerIngress]
networking.IngressPortStatus error:s port:i! protocol:s!
networking.IngressRule host:s http:networking.HTTPIngressRuleValue
networking.IngressServiceBackend name:s! port:networking.ServiceBackendPort
networking.IngressSpec defaultBackend:networking.IngressBackend ingressClassName:s rules:[networking.IngressRule] tls:[networking.IngressTLS]
networking.IngressStatus loadBalancer:networking.IngressLoadBalancerStatus
networking.IngressTLS hosts:[s] secretName:s
networking.NetworkPolicy apiVersion:s kind:s metadata:meta.ObjectMeta spec:networking.NetworkPolicySpec
networking.NetworkPolicyEgressRule ports:[networking.NetworkPolicyPort] to:[networking.NetworkPolicyPeer]
networking.NetworkPolicyIngressRule from:[networking.NetworkPolicyPeer] ports:[networking.NetworkPolicyPort]
networking.NetworkPolicyPeer ipBlock:networking.IPBlock namespaceSelector:meta.LabelSelector podSelector:meta.LabelSelector
networking.NetworkPolicyPort endPort:i port:x protocol:s
networking.NetworkPolicySpec egress:[networking.NetworkPolicyEgressRule] ingress:[networking.NetworkPolicyIngressRule] podSelector:meta.LabelSelector policyTypes:[s]
networking.ServiceBackendPort name:s number:i
policy.PodDisruptionBudget apiVersion:s kind:s metadata:meta.ObjectMeta spec:policy.PodDisruptionBudgetSpec status:policy.PodDisruptionBudgetStatus
policy.PodDisruptionBudgetSpec maxUnavailable:x minAvailable:x selector:meta.LabelSelector unhealthyPodEvictionPolicy:s
policy.PodDisruptionBudgetStatus conditions:[meta.Condition](type) currentHealthy:i desiredHealthy:i disruptedPods:{t} disruptionsAllowed:i expectedPods:i observedGeneration:l
rbac.PolicyRule apiGroups:[s] nonResourceURLs:[s] resourceNames:[s] resources:[s] verbs:[s]!
rbac.Role apiVersion:s kind:s metadata:meta.ObjectMeta rules:[rbac.PolicyRule]
rbac.RoleBinding apiVersion:s kind:s metadata:meta.ObjectMeta roleRef:rbac.RoleRef! subjects:[rbac.Subject]
rbac.RoleRef~ apiGroup:s kind:s! name:s!
rbac.Subject~ apiGroup:s kind:s! name:s! namespace:s
storage.StorageClass allowVolumeExpansion:b allowedTopologies:[core.TopologySelectorTerm] apiVersion:s kind:s metadata:meta.ObjectMeta mountOptions:[s] parameters:{s} provisioner:s! reclaimPolicy:s volumeBindingMode:s
`;

import static org.springframework.security.config.Customizer.withDefaults;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;

/** An authorization server as Spring makes one, with what it leaves out unless it is asked for: the device flow. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class Server {
    public static void main(String[] arguments) {
        SpringApplication.run(Server.class, arguments);
    }

    @Bean
    @Order(1)
    SecurityFilterChain protocol(HttpSecurity http) throws Exception {
        return http
            .oauth2AuthorizationServer(server -> {
                http.securityMatcher(server.getEndpointsMatcher());
                server
                    .oidc(withDefaults())
                    .pushedAuthorizationRequestEndpoint(withDefaults())
                    .deviceAuthorizationEndpoint(withDefaults())
                    .deviceVerificationEndpoint(withDefaults());
            })
            .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
            .oauth2ResourceServer(server -> server.jwt(withDefaults()))
            .exceptionHandling(errors -> errors.authenticationEntryPoint(new LoginUrlAuthenticationEntryPoint("/login")))
            .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain pages(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
            .formLogin(withDefaults())
            .build();
    }
}
